//! How the server says no, and what a client makes of it.

use crate::time::Span;
use crate::wire::call::Call;
use crate::wire::ews::xml::XmlError;
use crate::wire::ews::{EwsError, decode_answer, encode_error, encode_refusal};
use crate::wire::http::HttpAnswer;
use crate::wire::id::Id;
use crate::wire::refusal::{Refusal, RefusalKind};

const WAIT: Span = Span::milliseconds(297_749);

fn call() -> Call {
    Call::SyncItems { folder: Id::Number(1), state: None, limit: 10 }
}

fn body(answer: &HttpAnswer) -> &str {
    std::str::from_utf8(&answer.body).expect("it is UTF-8")
}

fn check(kind: RefusalKind, sent: (u16, Option<Span>), seen: (RefusalKind, u16, Option<Span>)) {
    let refusal = Refusal { kind, status: sent.0, retry_after: sent.1 };
    let answer = encode_refusal(Some(&call()), &refusal);
    let (kind, status, retry_after) = seen;
    assert_eq!(decode_answer(&call(), &answer), Err(Refusal { kind, status, retry_after }), "{}", body(&answer));
}

#[test]
fn refusals_arrive_as_they_were_sent() {
    use RefusalKind as K;
    for wait in [None, Some(Span::ZERO), Some(WAIT)] {
        check(K::ServerBusy, (500, wait), (K::ServerBusy, 500, wait));
        check(K::ConnectionCount, (500, wait), (K::ConnectionCount, 500, wait));
        check(K::UploadLimit, (429, wait), (K::ServerBusy, 500, wait));
        check(K::ServerError, (500, wait), (K::ServerError, 500, wait));
        check(K::SyncStateLost, (410, wait), (K::SyncStateLost, 200, wait));
    }
    let seconds = Some(Span::seconds(298));
    check(K::Unavailable, (503, Some(WAIT)), (K::Unavailable, 503, seconds));
    check(K::Unavailable, (503, None), (K::Unavailable, 503, None));
    check(K::GatewayError, (504, None), (K::GatewayError, 504, None));
    check(K::GatewayError, (500, None), (K::GatewayError, 502, None));
    check(K::OtherStatus, (418, None), (K::OtherStatus, 418, None));
    check(K::Unauthorized, (401, None), (K::Unauthorized, 401, None));
    check(K::Forbidden, (403, None), (K::Forbidden, 403, None));
    check(K::Malformed, (200, None), (K::Malformed, 200, None));
    check(K::TimedOut, (500, None), (K::TimedOut, 500, None));
    check(K::NotFound, (404, None), (K::NotFound, 200, None));
    check(K::Conflict, (409, None), (K::Conflict, 200, None));
    check(K::Invalid, (400, None), (K::Invalid, 200, None));
}

#[test]
fn the_busy_fault_is_the_one_that_clients_know() {
    let refusal = Refusal { kind: RefusalKind::ServerBusy, status: 500, retry_after: Some(WAIT) };
    let answer = encode_refusal(None, &refusal);
    assert_eq!(answer.status, 500);
    assert_eq!(answer.header("content-type"), Some("text/xml; charset=utf-8"));
    let text = "The server cannot service this request right now. Try again later.";
    let errors = "http://schemas.microsoft.com/exchange/services/2006/errors";
    let types = "http://schemas.microsoft.com/exchange/services/2006/types";
    let fault = [
        "<s:Body><s:Fault>".to_owned(),
        format!("<faultcode xmlns:a=\"{types}\">a:ErrorServerBusy</faultcode>"),
        format!("<faultstring xml:lang=\"en-US\">{text}</faultstring>"),
        "<detail>".to_owned(),
        format!("<e:ResponseCode xmlns:e=\"{errors}\">ErrorServerBusy</e:ResponseCode>"),
        format!("<e:Message xmlns:e=\"{errors}\">{text}</e:Message>"),
        format!("<t:MessageXml xmlns:t=\"{types}\">"),
        "<t:Value Name=\"BackOffMilliseconds\">297749</t:Value>".to_owned(),
        "</t:MessageXml></detail></s:Fault></s:Body></s:Envelope>".to_owned(),
    ];
    let body = body(&answer);
    assert!(body.ends_with(&fault.concat()), "{body}");
    assert!(body.contains("<h:ServerVersionInfo MajorVersion=\"15\" MinorVersion=\"20\""), "{body}");
}

#[test]
fn the_concurrency_fault_names_its_policy() {
    let refusal = Refusal { kind: RefusalKind::ConnectionCount, status: 500, retry_after: Some(Span::ZERO) };
    let answer = encode_refusal(None, &refusal);
    let policy = "<t:Value Name=\"Policy\">MaxConcurrency</t:Value><t:Value Name=\"MaxConcurrencyLimit\">27</t:Value>\
                  <t:Value Name=\"ErrorMessage\">This operation exceeds the throttling budget for policy part \
                  'MaxConcurrency', policy value '27',  Budget type: 'Ews'.  Suggested backoff time 0 ms.</t:Value>";
    assert!(body(&answer).contains(policy), "{}", body(&answer));
    let plain = encode_refusal(None, &Refusal { retry_after: None, ..refusal });
    assert!(body(&plain).contains("a:ErrorExceededConnectionCount"), "{}", body(&plain));
}

#[test]
fn a_busy_fault_inside_an_internal_error_is_busy() {
    let inner = "<t:MessageXml xmlns:t=\"http://schemas.microsoft.com/exchange/services/2006/types\">\
                 <t:Value Name=\"InnerErrorResponseCode\">ErrorServerBusy</t:Value></t:MessageXml></detail>";
    let refusal = Refusal { kind: RefusalKind::ServerError, status: 500, retry_after: None };
    let mut answer = encode_refusal(None, &refusal);
    answer.body = body(&answer).replace("</detail>", inner).into_bytes();
    let busy = Refusal { kind: RefusalKind::ServerBusy, ..refusal };
    assert_eq!(decode_answer(&call(), &answer), Err(busy));
}

#[test]
fn errors_of_sync_operations_still_carry_what_clients_look_into() {
    let lost = Refusal { kind: RefusalKind::SyncStateLost, status: 410, retry_after: None };
    let answer = encode_refusal(Some(&call()), &lost);
    let containers = "<m:SyncState></m:SyncState><m:IncludesLastItemInRange>true</m:IncludesLastItemInRange>\
                      <m:Changes/></m:SyncFolderItemsResponseMessage>";
    assert!(body(&answer).contains(containers), "{}", body(&answer));
    let answer = encode_refusal(Some(&Call::SyncFolders { state: None }), &lost);
    assert!(body(&answer).contains("<m:IncludesLastFolderInRange>true<"), "{}", body(&answer));
}

#[test]
fn requests_that_are_not_understood_hear_why() {
    let error = EwsError::Xml(XmlError::Entity);
    let answer = encode_error(&error);
    assert_eq!(answer.status, 500);
    assert!(body(&answer).contains("<faultcode") && body(&answer).contains("a:ErrorSchemaValidation"));
    let error = EwsError::Refused { operation: call().operation(), code: "ErrorInvalidIdMalformed" };
    let answer = encode_error(&error);
    assert_eq!(answer.status, 200);
    let invalid = Refusal { kind: RefusalKind::Invalid, status: 200, retry_after: None };
    assert_eq!(decode_answer(&call(), &answer), Err(invalid));
}
