//! Users and their licenses: `POST /users` and `assignLicense`.
//!
//! A user is made disabled and with a password that nobody is told: sign-in is the business of the directory that the
//! tenant is fed from, not of a mailbox move.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::error::GraphError;
use super::text::segment;
use super::{Asked, Frame, JSON, MAILBOX_GUID_LENGTH, mailbox_guid};
use crate::wire::call::Call;
use crate::wire::http::{HttpAnswer, HttpCall};
use crate::wire::id::MailboxKey;

/// The license that gives a mailbox: Exchange Online (Plan 2), `EXCHANGEENTERPRISE` (learn.microsoft.com/entra/identity
/// /users/licensing-service-plan-reference).
pub const LICENSE: &str = "19ec0d23-8335-4cbd-94ac-6050e30712fa";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewUser<'a> {
    account_enabled: bool,
    display_name: &'a str,
    mail_nickname: String,
    user_principal_name: &'a str,
    password_profile: Password,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Password {
    force_change_password_next_sign_in: bool,
    password: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AskedUser {
    user_principal_name: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Licenses {
    add_licenses: Vec<License>,
    remove_licenses: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct License {
    #[serde(default)]
    disabled_plans: Vec<String>,
    sku_id: String,
}

#[derive(Serialize)]
struct User {
    id: String,
}

const NEW_USER_LENGTH: usize = concat!(
    r#"{"accountEnabled":false,"displayName":"","mailNickname":"u0123456789abcdef","userPrincipalName":"","#,
    r#""passwordProfile":{"forceChangePasswordNextSignIn":true,"password":"Aa1!0123456789abcdef"}}"#
)
.len();
const ASSIGN_LENGTH: usize = r#"{"addLicenses":[{"disabledPlans":[],"skuId":""}],"removeLicenses":[]}"#.len();
const REMOVE_LENGTH: usize = r#"{"addLicenses":[],"removeLicenses":[""]}"#.len();

fn assign_path(address: &str) -> String {
    format!("/v1.0/users/{}/assignLicense", segment(address))
}

/// Writes `ProvisionUser`.
pub(super) fn encode_provision(address: &str) -> HttpCall {
    let name = xxh3_64(address.as_bytes());
    let user = NewUser {
        account_enabled: false,
        display_name: address,
        mail_nickname: format!("u{name:016x}"),
        user_principal_name: address,
        password_profile: Password {
            force_change_password_next_sign_in: true,
            password: format!("Aa1!{:016x}", name.rotate_left(29) ^ 0x5bd1_e995_7b93_1c4f),
        },
    };
    super::post("/v1.0/users".to_owned(), &user)
}

/// Writes `AssignLicense` or `RemoveLicense`.
pub(super) fn encode_license(assign: bool, address: &str) -> HttpCall {
    let licenses = if assign {
        Licenses {
            add_licenses: vec![License { disabled_plans: Vec::new(), sku_id: LICENSE.to_owned() }],
            remove_licenses: Vec::new(),
        }
    } else {
        Licenses { add_licenses: Vec::new(), remove_licenses: vec![LICENSE.to_owned()] }
    };
    super::post(assign_path(address), &licenses)
}

/// The lengths of `ProvisionUser`.
pub(super) fn asked_provision(address: u64) -> Asked {
    Asked::post("/users".len() as u64, NEW_USER_LENGTH as u64 + 2 * address)
}

/// The lengths of `AssignLicense` or `RemoveLicense`.
pub(super) fn asked_license(assign: bool, address: u64) -> Asked {
    let body = LICENSE.len() + if assign { ASSIGN_LENGTH } else { REMOVE_LENGTH };
    Asked::post("/users//assignLicense".len() as u64 + address, body as u64)
}

/// Reads the address of a new user.
pub(super) fn decode_provision(body: &[u8]) -> Result<String, GraphError> {
    let user: AskedUser = serde_json::from_slice(body).map_err(|_| GraphError::BadBody)?;
    Ok(user.user_principal_name)
}

/// Reads a change of licenses.
pub(super) fn decode_license(body: &[u8]) -> Result<Call, GraphError> {
    let licenses: Licenses = serde_json::from_slice(body).map_err(|_| GraphError::BadBody)?;
    match (licenses.add_licenses.is_empty(), licenses.remove_licenses.is_empty()) {
        (false, true) => Ok(Call::AssignLicense),
        (true, false) => Ok(Call::RemoveLicense),
        _ => Err(GraphError::BadValue("licenses are either added or removed")),
    }
}

/// Writes the user that was made or changed.
pub(super) fn encode_answer(status: u16, mailbox: MailboxKey) -> HttpAnswer {
    super::answer(status, &User { id: mailbox_guid(mailbox) })
}

/// The lengths of [`encode_answer`].
pub(super) fn frame() -> Frame {
    Frame::new((r#"{"id":""}"#.len() + MAILBOX_GUID_LENGTH) as u64, JSON)
}

/// Whether a refused `POST /users` says that the user exists: 409, or as Graph says it, 400 with code
/// `Request_BadRequest` and the message below.
pub(super) fn exists(answer: &HttpAnswer) -> bool {
    let (_, message) = super::error::code_and_message(&answer.body);
    answer.status == 409 || answer.status == 400 && message.contains("userPrincipalName already exists")
}
