//! What Entra says about itself: where tokens are given out, in the words of `OpenID` Connect Discovery.

use serde_json::json;

use crate::wire::entra::JSON_TYPE;
use crate::wire::http::HttpAnswer;

/// Answers a question about Entra; none if the path asks something else. `base` is the scheme and host that were asked.
#[must_use]
pub fn answer(path: &str, base: &str) -> Option<HttpAnswer> {
    let words: Vec<String> = path.split('/').filter(|word| !word.is_empty()).map(str::to_ascii_lowercase).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let body = match *words {
        [tenant, "v2.0", ".well-known", "openid-configuration"] | [tenant, ".well-known", "openid-configuration"] => {
            let tenant_url = format!("{base}/{tenant}");
            json!({
                "token_endpoint": format!("{tenant_url}/oauth2/v2.0/token"),
                "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
                "jwks_uri": format!("{tenant_url}/discovery/v2.0/keys"),
                "response_modes_supported": ["query", "fragment", "form_post"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
                "scopes_supported": ["openid", "profile", "email", "offline_access"],
                "issuer": format!("{tenant_url}/v2.0"),
                "request_uri_parameter_supported": false,
                "authorization_endpoint": format!("{tenant_url}/oauth2/v2.0/authorize"),
                "device_authorization_endpoint": format!("{tenant_url}/oauth2/v2.0/devicecode"),
                "http_logout_supported": true,
                "frontchannel_logout_supported": true,
                "end_session_endpoint": format!("{tenant_url}/oauth2/v2.0/logout"),
                "claims_supported": ["sub", "iss", "aud", "exp", "iat", "tid", "ver", "oid", "preferred_username", "name"],
                "tenant_region_scope": "EU",
                "cloud_instance_name": "microsoftonline.com",
                "cloud_graph_host_name": "graph.windows.net",
                "msgraph_host": "graph.microsoft.com",
            })
        }
        ["common", "discovery", "instance"] => {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_lead_back_to_the_host_that_was_asked() {
        let told = answer("/a-tenant/v2.0/.well-known/openid-configuration", "https://h:1").expect("an answer");
        let told: serde_json::Value = serde_json::from_slice(&told.body).expect("JSON");
        assert_eq!(told["token_endpoint"], "https://h:1/a-tenant/oauth2/v2.0/token");
        assert_eq!(answer("/v1.0/users", "https://h:1"), None);
    }
}
