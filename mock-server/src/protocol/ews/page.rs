//! What a browser, or a client that tries the address, finds at the URL of EWS: the page of the service.

use crate::wire::http::HttpAnswer;

/// The page, for GET. `base` is the scheme, host and port that were asked.
#[must_use]
pub fn answer(base: &str) -> HttpAnswer {
    // A host comes from the request, so it must not become part of the page as it is.
    let base: String = base.chars().filter(|c| c.is_ascii_alphanumeric() || ":/.-_[]".contains(*c)).collect();
    let body = format!(
        "<html><head><title>Service</title></head><body>\
         <h1>Service</h1><p>You have created a service.</p>\
         <p>To test this service, you will need to create a client and use it to call the service at \
         <a href=\"{base}/EWS/Exchange.asmx\">{base}/EWS/Exchange.asmx</a>.</p></body></html>\r\n"
    );
    let headers = vec![("Content-Type", "text/html; charset=UTF-8".to_owned())];
    HttpAnswer { status: 200, headers, body: body.into_bytes() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_the_service_and_nothing_that_was_smuggled_in() {
        let page = String::from_utf8(answer("http://h:1\"><script>").body).expect("text");
        assert!(
            page.contains("<title>Service</title>") && page.contains("http://h:1script/EWS/Exchange.asmx"),
            "{page}"
        );
    }
}
