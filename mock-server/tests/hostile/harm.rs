//! Requests that are meant to hurt: deep, self-repeating and endless ones.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crate::corpus::Sample;
use crate::target::Target;

/// Longest time for one decision about a megabyte of harm.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks, and expects an error, or at least no success that took long or made much of little.
#[expect(clippy::disallowed_methods, reason = "the time that a decision takes is what is tested")]
fn check(name: &str, sample: &Sample, statuses: std::ops::RangeInclusive<u16>) {
    let mut target = Target::new();
    let began = Instant::now();
    let decision = target.decide(sample).expect("a request that a server sees");
    let took = began.elapsed();
    let body = String::from_utf8_lossy(&decision.answer.body);
    assert!(took < PATIENCE, "{name}: {took:?}");
    assert!(statuses.contains(&decision.answer.status), "{name}: {} {body:.300}", decision.answer.status);
    assert!(decision.answer.body.len() < 1 << 20, "{name}: {} bytes", decision.answer.body.len());
}

fn soap(body: &str) -> Sample {
    let envelope = format!(
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         xmlns:m=\"http://schemas.microsoft.com/exchange/services/2006/messages\" \
         xmlns:t=\"http://schemas.microsoft.com/exchange/services/2006/types\"><s:Body>{body}</s:Body></s:Envelope>"
    );
    Sample::new("POST", "/EWS/Exchange.asmx", "text/xml").body(&envelope)
}

fn json(method: &str, path: &str, body: &str) -> Sample {
    Sample::new(method, path, "application/json").body(body)
}

#[test]
fn deep_xml_is_refused() {
    for depth in [1_000, 100_000] {
        let restriction = format!("{}{}", "<t:Not>".repeat(depth), "</t:Not>".repeat(depth));
        let find = format!(
            "<m:FindItem Traversal=\"Shallow\"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>\
             <m:Restriction>{restriction}</m:Restriction><m:ParentFolderIds><t:DistinguishedFolderId Id=\"inbox\"/>\
             </m:ParentFolderIds></m:FindItem>"
        );
        check("restriction", &soap(&find), 200..=599);
        let nested =
            |name: &str| format!("{}{}", format!("<{name}>").repeat(depth), format!("</{name}>").repeat(depth));
        check("unknown operation", &soap(&nested("m:Deep")), 400..=599);
        check("bare", &Sample::new("POST", "/EWS/Exchange.asmx", "text/xml").body(&nested("a")), 400..=599);
        check("open ended", &soap(&"<t:And>".repeat(depth)), 400..=599);
        let discover = Sample::new("POST", "/autodiscover/autodiscover.xml", "text/xml").body(&nested("Autodiscover"));
        check("autodiscover", &discover, 200..=599);
    }
}

#[test]
fn deep_attachments_are_answered() {
    let depth = 300;
    let open = "<t:Message><t:Attachments><t:ItemAttachment><t:Name>n</t:Name>".repeat(depth);
    let close = "</t:ItemAttachment></t:Attachments></t:Message>".repeat(depth);
    check(
        "items in items",
        &soap(&format!(
            "<m:CreateItem MessageDisposition=\"SaveOnly\"><m:Items>{open}{close}</m:Items></m:CreateItem>"
        )),
        200..=599,
    );
}

#[test]
fn deep_json_is_refused() {
    for depth in [1_000, 200_000] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("{\"requests\":[", "]}")] {
            let body = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            for path in ["/v1.0/$batch", "/v1.0/users/alice@contoso.test/messages", "/adminapi/beta/x/InvokeCommand"] {
                check("json", &json("POST", path, &body), 400..=599);
            }
        }
    }
    let filter = format!("/v1.0/users/alice@contoso.test/messages?$filter={}", "(".repeat(20_000));
    check("filter", &json("GET", &filter, ""), 400..=599);
    let filter = format!("/v1.0/users/alice@contoso.test/messages?$filter={}isRead", "not%20".repeat(5_000));
    check("not", &json("GET", &filter, ""), 400..=599);
    let expand = format!("/v1.0/users/alice@contoso.test/messages?$expand={}", "attachments($expand=".repeat(2_000));
    check("expand", &json("GET", &expand, ""), 200..=599);
}

#[test]
fn entities_are_not_expanded() {
    let mut document = "<?xml version=\"1.0\"?><!DOCTYPE lolz [<!ENTITY lol0 \"lol\">".to_owned();
    for level in 1..=12 {
        let inner = format!("&lol{};", level - 1).repeat(10);
        write!(document, "<!ENTITY lol{level} \"{inner}\">").expect("memory");
    }
    document.push_str("]>");
    let harm = [
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>&lol12;</s:Body></s:Envelope>",
        "<lolz>&lol12;</lolz>",
    ];
    for body in harm {
        for path in ["/EWS/Exchange.asmx", "/autodiscover/autodiscover.svc", "/autodiscover/autodiscover.xml"] {
            let sample = Sample::new("POST", path, "text/xml").body(&format!("{document}{body}"));
            check("billion laughs", &sample, 200..=599);
        }
    }
    let outside = "<!DOCTYPE x [<!ENTITY f SYSTEM \"file:///etc/passwd\">]>";
    let find = soap("<m:ResolveNames><m:UnresolvedEntry>&f;</m:UnresolvedEntry></m:ResolveNames>");
    let body = format!("{outside}{}", String::from_utf8(find.body).expect("text"));
    let sample = Sample::new("POST", "/EWS/Exchange.asmx", "text/xml").body(&body);
    let decision = Target::new().decide(&sample).expect("a request that a server sees");
    assert!(!String::from_utf8_lossy(&decision.answer.body).contains("root:"));
}

#[test]
fn long_lists_are_answered_in_time() {
    let ids = "<t:ItemId Id=\"AAAA\"/>".repeat(20_000);
    check_long(
        "ids",
        &soap(&format!(
            "<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:ItemIds>{ids}</m:ItemIds></m:GetItem>"
        )),
    );
    let fields = "<t:FieldURI FieldURI=\"item:Subject\"/>".repeat(20_000);
    check_long(
        "fields",
        &soap(&format!(
            "<m:FindItem Traversal=\"Shallow\"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>{fields}\
         </t:AdditionalProperties></m:ItemShape><m:ParentFolderIds><t:DistinguishedFolderId Id=\"inbox\"/>\
         </m:ParentFolderIds></m:FindItem>"
        )),
    );
    let requests: Vec<String> =
        (0..5_000).map(|id| format!("{{\"id\":\"{id}\",\"method\":\"GET\",\"url\":\"/me\"}}")).collect();
    check("batch", &json("POST", "/v1.0/$batch", &format!("{{\"requests\":[{}]}}", requests.join(","))), 400..=499);
    let attributes: String = (0..20_000).fold(String::new(), |mut text, number| {
        write!(text, " a{number}=\"x\"").expect("memory");
        text
    });
    check_long("attributes", &soap(&format!("<m:GetFolder{attributes}/>")));
    let namespaces: String = (0..5_000).fold(String::new(), |mut text, number| {
        write!(text, " xmlns:a{number}=\"x\"").expect("memory");
        text
    });
    check_long("namespaces", &soap(&format!("<m:GetFolder{namespaces}/>")));
    let recurrence = "<t:CalendarItem><t:Subject>x</t:Subject><t:Start>2026-01-05T10:00:00Z</t:Start><t:End>2026-01-05T11:00:00Z</t:End>\
         <t:Recurrence><t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence><t:NoEndRecurrence>\
         <t:StartDate>0001-01-01</t:StartDate></t:NoEndRecurrence></t:Recurrence></t:CalendarItem>";
    let mut target = Target::new();
    let create =
        format!("<m:CreateItem SendMeetingInvitations=\"SendToNone\"><m:Items>{recurrence}</m:Items></m:CreateItem>");
    target.decide(&soap(&create)).expect("a request that a server sees");
    let view = "<m:FindItem Traversal=\"Shallow\"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>\
         <m:CalendarView StartDate=\"0001-01-01T00:00:00Z\" EndDate=\"9999-12-31T00:00:00Z\"/><m:ParentFolderIds>\
         <t:DistinguishedFolderId Id=\"calendar\"/></m:ParentFolderIds></m:FindItem>";
    within("endless series", &mut target, &soap(view));
}

fn check_long(name: &str, sample: &Sample) {
    within(name, &mut Target::new(), sample);
}

/// Asks, and expects an answer in time.
#[expect(clippy::disallowed_methods, reason = "the time that a decision takes is what is tested")]
fn within(name: &str, target: &mut Target, sample: &Sample) {
    let began = Instant::now();
    let decision = target.decide(sample).expect("a request that a server sees");
    assert!(began.elapsed() < PATIENCE, "{name}: {:?}", began.elapsed());
    assert!((200..=599).contains(&decision.answer.status), "{name}");
}
