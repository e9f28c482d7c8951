//! What Entra says about itself: where tokens are given out, in the words of `OpenID` Connect Discovery.

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::wire::entra::{JSON_TYPE, Version, issuing_tenant};
use crate::wire::http::HttpAnswer;

/// The cloud that the mock stands in for.
const CLOUD: &str = "microsoftonline.com";

/// What follows the tenant in the paths that are answered here.
const LEADING: [&str; 4] = ["v2.0", ".well-known", "userrealm", "discovery"];

/// Answers a question about Entra; none if the path asks something else. `base` tells the scheme and
/// host that were asked.
#[must_use]
pub fn answer(path: &str, base: impl FnOnce() -> String) -> Option<HttpAnswer> {
    let mut words = path.split('/').filter(|word| !word.is_empty());
    let first = words.next()?;
    // Every request passes here: what leads elsewhere is not looked at any longer.
    let leads = |word: &str| LEADING.iter().any(|leading| leading.eq_ignore_ascii_case(word));
    words.clone().next().filter(|second| leads(second))?;
    let tenant = first.to_ascii_lowercase();
    let base: &str = &base();
    let rest: Vec<String> = words.clone().map(str::to_ascii_lowercase).collect();
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    let body = match *rest {
        ["v2.0", ".well-known", "openid-configuration"] => configuration(base, &tenant, Version::V2),
        [".well-known", "openid-configuration"] => configuration(base, &tenant, Version::V1),
        ["userrealm", _] => {
            let user = percent_decode_str(words.nth(1).unwrap_or_default()).decode_utf8_lossy();
            let domain = user.rsplit('@').next().unwrap_or_default();
            json!({
                "ver": "1.0",
                "account_type": "Managed",
                "domain_name": domain,
                "cloud_instance_name": CLOUD,
                "cloud_audience_urn": "urn:federation:MicrosoftOnline",
            })
        }
        ["discovery", "instance"] if tenant == "common" => {
            let host = base.split_once("://").map_or(base, |(_, host)| host);
            let metadata = json!([{ "preferred_network": host, "preferred_cache": host, "aliases": [host] }]);
            json!({
                "tenant_discovery_endpoint": format!("{base}/common/v2.0/.well-known/openid-configuration"),
                "api-version": "1.1",
                "metadata": metadata,
            })
        }
        _ => return None,
    };
    let headers = vec![("Content-Type", JSON_TYPE.to_owned())];
    Some(HttpAnswer { status: 200, headers, body: body.to_string().into_bytes() })
}

/// What is the same for both generations, and then what is not.
fn configuration(base: &str, tenant: &str, version: Version) -> Value {
    let tenant_url = format!("{base}/{tenant}");
    let issuing = issuing_tenant(tenant);
    let (generation, issuer) = match version {
        Version::V1 => ("", format!("https://sts.windows.net/{issuing}/")),
        Version::V2 => ("/v2.0", format!("{base}/{issuing}/v2.0")),
    };
    json!({
        "token_endpoint": format!("{tenant_url}/oauth2{generation}/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": format!("{tenant_url}/discovery{generation}/keys"),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": issuer,
        "request_uri_parameter_supported": false,
        "authorization_endpoint": format!("{tenant_url}/oauth2{generation}/authorize"),
        "device_authorization_endpoint": format!("{tenant_url}/oauth2{generation}/devicecode"),
        "http_logout_supported": true,
        "frontchannel_logout_supported": true,
        "end_session_endpoint": format!("{tenant_url}/oauth2{generation}/logout"),
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "tid", "ver", "oid", "preferred_username", "name"],
        "tenant_region_scope": "EU",
        "cloud_instance_name": CLOUD,
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": "graph.microsoft.com",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_lead_back_to_the_host_that_was_asked() {
        let told =
            answer("/a-tenant/v2.0/.well-known/openid-configuration", || "https://h:1".to_owned()).expect("an answer");
        let told: serde_json::Value = serde_json::from_slice(&told.body).expect("JSON");
        assert_eq!(told["token_endpoint"], "https://h:1/a-tenant/oauth2/v2.0/token");
        assert_eq!(told["issuer"], "https://h:1/cafe0000-0000-4000-8000-00000000cafe/v2.0");
        assert_eq!(told["jwks_uri"], "https://h:1/a-tenant/discovery/v2.0/keys");
        assert_eq!(answer("/v1.0/users", || "https://h:1".to_owned()), None);
        let old = answer("/common/.well-known/openid-configuration", || "https://h:1".to_owned()).expect("an answer");
        let old: Value = serde_json::from_slice(&old.body).expect("JSON");
        assert_eq!(old["device_authorization_endpoint"], "https://h:1/common/oauth2/devicecode");
        assert_eq!(old["issuer"], "https://sts.windows.net/{tenantid}/");
        let realm = answer("/common/userrealm/alice%40contoso.test", || "https://h:1".to_owned()).expect("an answer");
        assert!(String::from_utf8_lossy(&realm.body).contains(r#""domain_name":"contoso.test""#));
    }
}
