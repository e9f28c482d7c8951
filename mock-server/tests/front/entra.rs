//! Entra over real sockets: tokens on every ground, what they open, and what is said when they do not.

use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mock_server::fault::rule::{Act, FaultRule, Match};
use mock_server::front::access::{Access, TOKEN_LIFE};
use mock_server::front::listen::Handle;
use mock_server::service::config::{Config, Holding};
use mock_server::service::credentials::{AppCredential, Credentials, UserCredential};
use mock_server::time::Span;
use mock_server::wire::operation::Operation;
use serde_json::{Value, json};

use crate::alice::{self, ALICE};
use crate::client::{Heard, block_on, exchange, request};
use crate::server;

const GRAPH: &str = "https://graph.microsoft.com/.default";
const EXCHANGE: &str = "https://outlook.office365.com/.default";

/// An EWS request that needs no more than a mailbox.
const EWS: &str = r#"<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"
 xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"><s:Header>
 <t:RequestServerVersion Version="Exchange2016"/><t:ExchangeImpersonation><t:ConnectingSID>
 <t:PrimarySmtpAddress>alice@contoso.test</t:PrimarySmtpAddress></t:ConnectingSID></t:ExchangeImpersonation></s:Header>
 <s:Body><m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds>
 <t:DistinguishedFolderId Id="inbox"/></m:FolderIds></m:GetFolder></s:Body></s:Envelope>"#;

fn serve(credentials: Credentials, faults: Vec<FaultRule>) -> Handle {
    let access = Access::new(3, TOKEN_LIFE).with_credentials(credentials).with_sign_in(Some(ALICE.to_owned()));
    alice::serve(Config { faults, ..server::free(Holding::Live) }, access)
}

fn free() -> Handle {
    serve(Credentials::default(), Vec::new())
}

fn post(address: SocketAddr, path: &str, fields: &[(&str, &str)]) -> Heard {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields {
        form.append_pair(name, value);
    }
    block_on(exchange(address, request(address, path, form.finish()))).expect("an answer")
}

fn value(heard: &Heard) -> Value {
    serde_json::from_str(heard.text()).expect("JSON")
}

/// Asks for a token, which must be given.
fn granted(address: SocketAddr, fields: &[(&str, &str)]) -> Value {
    let heard = post(address, "/contoso.test/oauth2/v2.0/token", fields);
    assert_eq!((heard.status.as_u16(), heard.header("content-type")), (200, "application/json; charset=utf-8"));
    value(&heard)
}

fn app_token(address: SocketAddr, scope: &str) -> String {
    let fields =
        [("grant_type", "client_credentials"), ("client_id", "an app"), ("client_secret", "s"), ("scope", scope)];
    granted(address, &fields)["access_token"].as_str().expect("a token").to_owned()
}

fn user_token(address: SocketAddr, scope: &str) -> Value {
    let grant = [("grant_type", "password"), ("client_id", "an app"), ("username", ALICE), ("password", "any")];
    granted(address, &[&grant[..], &[("scope", scope)]].concat())
}

fn claims(token: &Value) -> Value {
    let payload = token.as_str().and_then(|token| token.split('.').nth(1)).expect("a JWT");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("Base64")).expect("JSON")
}

/// Sends a request with a token.
fn ask(address: SocketAddr, token: &str, path: &str, body: &'static str) -> Heard {
    let mut asked = request(address, path, body);
    asked.headers_mut().insert("authorization", format!("Bearer {token}").parse().expect("a header"));
    asked.headers_mut().insert("content-type", "application/json".parse().expect("a header"));
    block_on(exchange(address, asked)).expect("an answer")
}

fn check_denied(heard: &Heard, status: u16, error: &str, number: u64) {
    let body = value(heard);
    assert_eq!((heard.status.as_u16(), &body["error"]), (status, &json!(error)), "{body}");
    assert_eq!(body["error_codes"], json!([number]), "{body}");
}

#[test]
fn a_token_opens_what_it_is_for_and_nothing_else() {
    let server = free();
    let address = server.address();
    let (graph, exchange) = (app_token(address, GRAPH), app_token(address, EXCHANGE));
    let user = format!("/v1.0/users/{ALICE}");
    assert_eq!(ask(address, &graph, &user, "").status, 200);
    assert_eq!(ask(address, &exchange, "/EWS/Exchange.asmx", EWS).status, 200);
    let address_of = "<t:PrimarySmtpAddress>alice@contoso.test</t:PrimarySmtpAddress>";
    let by_sid = EWS.replace(address_of, "<t:SID>S-1-5-21-1</t:SID>").leak();
    let nobody = ask(address, &exchange, "/EWS/Exchange.asmx", by_sid);
    assert!(nobody.text().contains("ErrorNonExistentMailbox"), "{}", nobody.text());
    let wrong = ask(address, &exchange, &user, "");
    assert_eq!(wrong.status, 401);
    let error = &value(&wrong)["error"];
    assert_eq!(error["code"], "InvalidAuthenticationToken");
    assert_eq!(error["message"], "Access token validation failure. Invalid audience.");
    let wrong = ask(address, &graph, "/EWS/Exchange.asmx", EWS);
    assert_eq!((wrong.status.as_u16(), wrong.text()), (401, ""));
    assert!(wrong.header("www-authenticate").starts_with("Bearer client_id="));
    assert_eq!(
        wrong.header("x-ms-diagnostics"),
        "2000003;reason=\"The audience claim value is invalid 'https://graph.microsoft.com'.\";\
         error_category=\"invalid_resource\""
    );
}

#[test]
fn tokens_say_who_gave_them_to_whom_for_what() {
    let server = free();
    let address = server.address();
    let app = claims(&json!(app_token(address, GRAPH)));
    assert_eq!((&app["aud"], &app["appid"]), (&json!("https://graph.microsoft.com"), &json!("an app")));
    assert_eq!((&app["ver"], &app["idtyp"], &app["upn"]), (&json!("1.0"), &json!("app"), &Value::Null));
    assert!(app["roles"].as_array().is_some_and(|roles| roles.contains(&json!("Mail.ReadWrite"))));
    assert_eq!(app["exp"].as_i64().expect("a moment") - app["iat"].as_i64().expect("a moment"), 3_599);
    let answer = user_token(address, "openid offline_access https://graph.microsoft.com/Mail.Read");
    let user = claims(&answer["access_token"]);
    assert_eq!(
        (&user["upn"], &user["scp"], &user["idtyp"]),
        (&json!(ALICE), &json!("Mail.Read openid"), &json!("user"))
    );
    assert_eq!(answer["scope"], "https://graph.microsoft.com/Mail.Read openid");
    let id = claims(&answer["id_token"]);
    assert_eq!((&id["aud"], &id["preferred_username"]), (&json!("an app"), &json!(ALICE)));
    assert_eq!((&id["oid"], &id["tid"]), (&user["oid"], &user["tid"]));
    let token = answer["access_token"].as_str().expect("a token");
    assert_eq!(value(&ask(address, token, "/v1.0/me?$select=id", ""))["id"], Value::Null, "not permitted");
    let all = user_token(address, GRAPH);
    let me = value(&ask(address, all["access_token"].as_str().expect("a token"), "/v1.0/me", ""));
    assert_eq!((&me["id"], &me["userPrincipalName"]), (&user["oid"], &json!(ALICE)));
}

#[test]
fn an_app_by_itself_is_nobody() {
    let server = free();
    let token = app_token(server.address(), GRAPH);
    for path in ["/v1.0/me", "/v1.0/me/messages"] {
        let heard = ask(server.address(), &token, path, "");
        assert_eq!(heard.status, 400, "{path}");
        let message = "/me request is only valid with delegated authentication flow.";
        assert_eq!(value(&heard)["error"]["message"], message);
    }
}

#[test]
fn a_refresh_token_gives_further_tokens_to_its_app_only() {
    let server = free();
    let address = server.address();
    let first = user_token(address, "offline_access Mail.Read");
    let refresh = first["refresh_token"].as_str().expect("a refresh token");
    let again = [("grant_type", "refresh_token"), ("client_id", "an app"), ("refresh_token", refresh)];
    let second = granted(address, &again);
    assert_eq!(claims(&second["access_token"])["upn"], ALICE);
    assert!(second["refresh_token"].is_string());
    let wider = granted(address, &[&again[..], &[("scope", EXCHANGE)]].concat());
    assert_eq!(claims(&wider["access_token"])["scp"], "EWS.AccessAsUser.All Exchange.Manage");
    let path = "/contoso.test/oauth2/v2.0/token";
    let other = [("grant_type", "refresh_token"), ("client_id", "another"), ("refresh_token", refresh)];
    check_denied(&post(address, path, &other), 400, "invalid_grant", 70_000);
    let access = first["access_token"].as_str().expect("a token");
    let made_up = [("grant_type", "refresh_token"), ("client_id", "an app"), ("refresh_token", access)];
    check_denied(&post(address, path, &made_up), 400, "invalid_grant", 9_002_313);
    assert_eq!(ask(address, refresh, "/v1.0/me", "").status, 401);
}

#[test]
fn a_sign_in_on_another_device_is_approved_at_once() {
    let server = free();
    let address = server.address();
    for (generation, what) in
        [("/v2.0", ("scope", "Mail.Read openid")), ("", ("resource", "https://outlook.office365.com/"))]
    {
        let begun = post(address, &format!("/common/oauth2{generation}/devicecode"), &[("client_id", "an app"), what]);
        let begun = value(&begun);
        let code = begun["device_code"].as_str().expect("a code");
        assert!(
            begun["message"].as_str().is_some_and(|text| text.contains(begun["user_code"].as_str().expect("a code")))
        );
        let grant = "urn:ietf:params:oauth:grant-type:device_code";
        let fields = [("grant_type", grant), ("client_id", "an app"), ("device_code", code), ("client_info", "1")];
        let heard = post(address, &format!("/common/oauth2{generation}/token"), &fields);
        let answer = value(&heard);
        assert_eq!(claims(&answer["access_token"])["upn"], ALICE, "{answer}");
        let info = URL_SAFE_NO_PAD.decode(answer["client_info"].as_str().expect("text")).expect("Base64");
        let info: Value = serde_json::from_slice(&info).expect("JSON");
        assert_eq!(info["uid"], claims(&answer["id_token"])["oid"]);
        assert_eq!(answer["expires_in"].is_string(), generation.is_empty());
    }
}

#[test]
fn listed_users_and_apps_need_their_proof_and_their_permissions() {
    let user = UserCredential { address: ALICE.to_owned(), password: Some("right".to_owned()) };
    let app = AppCredential {
        client_id: "listed".to_owned(),
        secret: Some("s3cret".to_owned()),
        permissions: Some(vec!["Mail.Read".to_owned(), "User.Read".to_owned()]),
    };
    let server = serve(Credentials { users: vec![user], apps: vec![app] }, Vec::new());
    let address = server.address();
    let path = "/contoso.test/oauth2/v2.0/token";
    let by_app = |id, secret| {
        let fields =
            [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret), ("scope", GRAPH)];
        post(address, path, &fields)
    };
    check_denied(&by_app("other", "s3cret"), 400, "unauthorized_client", 700_016);
    check_denied(&by_app("listed", "wrong"), 401, "invalid_client", 7_000_215);
    let by_user = |password, scope| {
        let app = [("client_id", "listed"), ("client_secret", "s3cret"), ("scope", scope)];
        let user = [("grant_type", "password"), ("username", ALICE), ("password", password)];
        post(address, path, &[app, user].concat())
    };
    check_denied(&by_user("wrong", GRAPH), 400, "invalid_grant", 50_126);
    check_denied(&by_user("right", "Mail.Send"), 400, "invalid_grant", 65_001);
    assert_eq!(by_user("right", "Mail.Read").status, 200);
    let token = value(&by_app("listed", "s3cret"))["access_token"].as_str().expect("a token").to_owned();
    let messages = format!("/v1.0/users/{ALICE}/messages");
    assert_eq!(ask(address, &token, &messages, "").status, 200);
    let heard = ask(address, &token, &messages, r#"{"subject":"x"}"#);
    assert_eq!((heard.status.as_u16(), &value(&heard)["error"]["code"]), (403, &json!("ErrorAccessDenied")));
    let powerless = value(&post(
        address,
        path,
        &[
            ("grant_type", "client_credentials"),
            ("client_id", "listed"),
            ("client_secret", "s3cret"),
            ("scope", EXCHANGE),
        ],
    ));
    let heard = ask(address, powerless["access_token"].as_str().expect("a token"), "/EWS/Exchange.asmx", EWS);
    assert_eq!(heard.status, 401);
    assert!(heard.header("x-ms-diagnostics").starts_with("2000008;"));
}

#[test]
fn keys_and_endpoints_are_where_entra_says() {
    let server = free();
    let address = server.address();
    let get = |path: &str| {
        let heard = block_on(exchange(address, request(address, path, ""))).expect("an answer");
        assert_eq!((heard.status.as_u16(), heard.header("content-type")), (200, "application/json; charset=utf-8"));
        value(&heard)
    };
    let told = get("/contoso.test/v2.0/.well-known/openid-configuration");
    let path = |name: &str| {
        let url = told[name].as_str().expect("a URL").to_owned();
        url.strip_prefix(&format!("http://{address}")).expect("this server").to_owned()
    };
    let keys = get(&path("jwks_uri"));
    assert_eq!(keys["keys"][0]["kty"], "RSA");
    let header = app_token(address, GRAPH).split('.').next().map(|part| URL_SAFE_NO_PAD.decode(part)).expect("a part");
    let header: Value = serde_json::from_slice(&header.expect("Base64")).expect("JSON");
    assert_eq!((&header["alg"], &header["kid"]), (&json!("RS256"), &keys["keys"][0]["kid"]));
    let begun = post(address, &path("device_authorization_endpoint"), &[("client_id", "a"), ("scope", "Mail.Read")]);
    assert_eq!(begun.status, 200);
}

#[test]
fn a_look_at_the_url_of_ews_shows_the_page_of_the_service() {
    let server = free();
    let address = server.address();
    let heard = ask(address, &app_token(address, EXCHANGE), "/ews/exchange.asmx", "");
    assert_eq!((heard.status.as_u16(), heard.header("content-type")), (200, "text/html; charset=UTF-8"));
    let stranger = block_on(exchange(address, request(address, "/ews/exchange.asmx", ""))).expect("an answer");
    assert_eq!(stranger.status, 401);
}

fn every_call(act: Act) -> Vec<FaultRule> {
    let operations = vec![Operation::FindMessages, Operation::GetFolders];
    let matches = Match { operations, ..Match::default() };
    vec![FaultRule { name: "token".into(), matches, act }]
}

#[test]
fn a_token_that_is_taken_away_stays_away_and_another_is_taken_in_its_place() {
    let server = serve(Credentials::default(), every_call(Act::RevokeToken));
    let address = server.address();
    let messages = format!("/v1.0/users/{ALICE}/messages");
    let token = app_token(address, GRAPH);
    assert_eq!(ask(address, &token, &messages, "").status, 200, "a new token is good for one call at least");
    let heard = ask(address, &token, &messages, "");
    assert_eq!(heard.status, 401);
    assert!(heard.header("www-authenticate").contains("error=\"insufficient_claims\", claims=\""));
    assert!(heard.text().contains("TokenIssuedBeforeRevocationTimestamp"), "{}", heard.text());
    assert_eq!(ask(address, &token, &format!("/v1.0/users/{ALICE}"), "").status, 401);
    assert_eq!(ask(address, &app_token(address, GRAPH), &messages, "").status, 200);
}

#[test]
fn an_expired_token_is_refused_in_the_words_of_each_protocol() {
    let server = serve(Credentials::default(), every_call(Act::ExpireToken));
    let address = server.address();
    let exchange = app_token(address, EXCHANGE);
    assert_eq!(ask(address, &exchange, "/EWS/Exchange.asmx", EWS).status, 200);
    let heard = ask(address, &exchange, "/EWS/Exchange.asmx", EWS);
    assert_eq!((heard.status.as_u16(), heard.text()), (401, ""));
    assert!(heard.header("x-ms-diagnostics").starts_with("2000002;"));
    let graph = app_token(address, GRAPH);
    let messages = format!("/v1.0/users/{ALICE}/messages");
    assert_eq!(ask(address, &graph, &messages, "").status, 200);
    let heard = ask(address, &graph, &messages, "");
    assert_eq!(heard.status, 401);
    assert_eq!(value(&heard)["error"]["message"], "Lifetime validation failed, the token is expired.");
    assert!(heard.header("www-authenticate").contains("error=\"invalid_token\""));
}

#[test]
fn tokens_can_be_given_a_short_life() {
    let server = serve(Credentials::default(), every_call(Act::ShortenToken(Span::seconds(7))));
    let answer = user_token(server.address(), GRAPH);
    assert_eq!(answer["expires_in"], 7);
    let claims = claims(&answer["access_token"]);
    assert_eq!(claims["exp"].as_i64().expect("a moment") - claims["iat"].as_i64().expect("a moment"), 7);
}
