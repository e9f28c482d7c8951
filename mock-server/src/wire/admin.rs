//! Exchange administration, the same whatever protocol carries the mail.
//!
//! Real: the way. The Exchange Online PowerShell module (version 3) sends each cmdlet as
//! `POST /adminapi/beta/{tenant}/InvokeCommand` with `{"CmdletInput":{"CmdletName":..,"Parameters":{..}}}` and reads the
//! objects from `value`. Real as well: the cmdlets and parameters below, as documented for Exchange Online.
//!
//! Our reading: which cmdlet does what a cutover needs.
//!
//! | call | cmdlet |
//! | --- | --- |
//! | `StopMailbox` | `Set-CASMailbox` with every client protocol but EWS switched off |
//! | `StartMailbox` | the same, switched on |
//! | `StartSwitch` | `Set-MigrationUser -CompleteAfter` a moment that has passed |
//! | `PollSwitch` | `Get-MigrationUser` |
//! | `CancelSwitch` | `Stop-MigrationUser` |
//! | `ReleaseMailbox` | `Remove-MigrationUser` |
//!
//! And ours: `Set-MigrationUser` and `Stop-MigrationUser` answer with the user's status, where the real ones answer with
//! nothing and the client asks again. Errors have Graph's shape.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::answer::{Answer, SwitchState};
use super::call::Call;
use super::graph;
use super::graph::error::GraphError;
use super::http::{HttpAnswer, HttpCall, Unsupported};
use super::refusal::{Refusal, RefusalKind};

/// Longest body that is read, in bytes. Assumed; the commands below stay far below.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// A moment that has passed, so that a switch is completed at once.
const AT_ONCE: &str = "2000-01-01T00:00:00Z";

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Command<'a> {
    #[serde(borrow)]
    cmdlet_input: Input<'a>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input<'a> {
    #[serde(borrow)]
    cmdlet_name: Cow<'a, str>,
    #[serde(borrow, default)]
    parameters: Parameters<'a>,
}

#[derive(Serialize, Deserialize, Default)]
struct Parameters<'a> {
    #[serde(rename = "Identity", borrow)]
    identity: Cow<'a, str>,
    #[serde(rename = "ActiveSyncEnabled", skip_serializing_if = "Option::is_none")]
    active_sync: Option<bool>,
    #[serde(rename = "ImapEnabled", skip_serializing_if = "Option::is_none")]
    imap: Option<bool>,
    #[serde(rename = "MAPIEnabled", skip_serializing_if = "Option::is_none")]
    mapi: Option<bool>,
    #[serde(rename = "OWAEnabled", skip_serializing_if = "Option::is_none")]
    web: Option<bool>,
    #[serde(rename = "PopEnabled", skip_serializing_if = "Option::is_none")]
    pop: Option<bool>,
    #[serde(rename = "CompleteAfter", borrow, skip_serializing_if = "Option::is_none")]
    complete_after: Option<Cow<'a, str>>,
    #[serde(rename = "Confirm", skip_serializing_if = "Option::is_none")]
    confirm: Option<bool>,
}

#[derive(Serialize, Deserialize)]
struct Values<'a> {
    #[serde(borrow, default)]
    value: Vec<User<'a>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct User<'a> {
    #[serde(borrow)]
    status: Cow<'a, str>,
}

/// A command as it was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decoded {
    /// The SMTP address of the mailbox concerned.
    pub address: String,
    /// The call.
    pub call: Call,
}

/// Whether a call belongs to administration.
#[must_use]
pub const fn is_admin(call: &Call) -> bool {
    call.operation().is_admin()
}

/// Whether a path leads to administration.
#[must_use]
pub fn is_admin_path(path_and_query: &str) -> bool {
    let path = path_and_query.split('?').next().unwrap_or_default();
    let mut words = path.split('/').filter(|word| !word.is_empty());
    let [service, _version, _tenant, command, end] = std::array::from_fn(|_| words.next());
    let is = |word: Option<&str>, wanted: &str| word.is_some_and(|word| word.eq_ignore_ascii_case(wanted));
    is(service, "adminapi") && is(command, "InvokeCommand") && end.is_none()
}

fn cmdlet(call: &Call) -> Option<&'static str> {
    Some(match call {
        Call::StopMailbox | Call::StartMailbox => "Set-CASMailbox",
        Call::StartSwitch => "Set-MigrationUser",
        Call::PollSwitch => "Get-MigrationUser",
        Call::CancelSwitch => "Stop-MigrationUser",
        Call::ReleaseMailbox => "Remove-MigrationUser",
        _ => return None,
    })
}

/// Writes a command.
///
/// # Errors
/// If the call does not belong to administration.
pub fn encode_call(call: &Call, address: &str) -> Result<HttpCall, Unsupported> {
    let unsupported = Unsupported { operation: call.operation(), reason: "it does not belong to administration" };
    let name = cmdlet(call).ok_or(unsupported)?;
    let open = match call {
        Call::StopMailbox => Some(false),
        Call::StartMailbox => Some(true),
        _ => None,
    };
    let parameters = Parameters {
        identity: address.into(),
        active_sync: open,
        imap: open,
        mapi: open,
        web: open,
        pop: open,
        complete_after: matches!(call, Call::StartSwitch).then_some(AT_ONCE.into()),
        confirm: matches!(call, Call::CancelSwitch | Call::ReleaseMailbox).then_some(false),
    };
    let command = Command { cmdlet_input: Input { cmdlet_name: name.into(), parameters } };
    let path = format!("/adminapi/beta/{}/InvokeCommand", graph::TENANT);
    Ok(HttpCall {
        method: "POST",
        path,
        headers: vec![("Content-Type", "application/json".to_owned()), ("X-AnchorMailbox", format!("UPN:{address}"))],
        body: to_json(&command),
    })
}

fn to_json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("texts and switches always have a JSON form")
}

/// Length in bytes of the body that [`encode_call`] writes, reckoned without writing it; zero for other calls. Exact for
/// addresses of which no character needs escaping.
#[must_use]
pub fn call_bytes(call: &Call, address_length: usize) -> u64 {
    let Some(name) = cmdlet(call) else { return 0 };
    let fixed = r#"{"CmdletInput":{"CmdletName":"","Parameters":{"Identity":""}}}"#.len();
    let protocols = concat!(
        r#","ActiveSyncEnabled":true,"ImapEnabled":true,"MAPIEnabled":true,"#,
        r#""OWAEnabled":true,"PopEnabled":true"#
    );
    let parameters = match call {
        Call::StartMailbox => protocols.len(),
        // "false" is one letter longer than "true", five times.
        Call::StopMailbox => protocols.len() + 5,
        Call::StartSwitch => r#","CompleteAfter":"""#.len() + AT_ONCE.len(),
        Call::CancelSwitch | Call::ReleaseMailbox => r#","Confirm":false"#.len(),
        _ => 0,
    };
    (fixed + name.len() + address_length + parameters) as u64
}

/// Reads a command.
///
/// # Errors
/// If it is not one that this server knows.
pub fn decode_call(method: &str, path_and_query: &str, body: &[u8]) -> Result<Decoded, GraphError> {
    if !is_admin_path(path_and_query) {
        return Err(GraphError::UnknownRoute);
    }
    if !method.eq_ignore_ascii_case("POST") {
        return Err(GraphError::MethodNotAllowed);
    }
    if MAX_BODY_BYTES < body.len() {
        return Err(GraphError::BodyTooLarge);
    }
    let command: Command<'_> = serde_json::from_slice(body).map_err(|_| GraphError::BadBody)?;
    let Input { cmdlet_name, parameters } = command.cmdlet_input;
    let call = match cmdlet_name.to_ascii_lowercase().as_str() {
        "set-casmailbox" => match parameters.mapi.or(parameters.web) {
            Some(true) => Call::StartMailbox,
            Some(false) => Call::StopMailbox,
            None => return Err(GraphError::BadValue("Set-CASMailbox is known with MAPIEnabled or OWAEnabled")),
        },
        "set-migrationuser" if parameters.complete_after.is_some() => Call::StartSwitch,
        "get-migrationuser" => Call::PollSwitch,
        "stop-migrationuser" => Call::CancelSwitch,
        "remove-migrationuser" => Call::ReleaseMailbox,
        _ => return Err(GraphError::BadValue("the cmdlet is not known, or not with these parameters")),
    };
    Ok(Decoded { address: parameters.identity.into_owned(), call })
}

fn status(state: SwitchState) -> &'static str {
    match state {
        SwitchState::Queued => "Queued",
        SwitchState::Completing => "Completing",
        SwitchState::Completed => "Completed",
        SwitchState::Failed => "Failed",
    }
}

/// The state of a status word, of which the real service has more (`MigrationUserStatus`).
fn state(status: &str) -> SwitchState {
    match status {
        "Queued" | "Validating" | "Starting" | "Syncing" | "Synced" | "IncrementalSyncing" => SwitchState::Queued,
        "Completing" | "CompletionInProgress" => SwitchState::Completing,
        "Completed" | "CompletedWithWarnings" => SwitchState::Completed,
        _ => SwitchState::Failed,
    }
}

/// Writes the answer to a command.
#[must_use]
pub fn encode_answer(answer: &Answer) -> HttpAnswer {
    let value = match answer {
        Answer::Switch(state) => vec![User { status: status(*state).into() }],
        _ => Vec::new(),
    };
    let headers = vec![("Content-Type", graph::JSON_TYPE.to_owned())];
    HttpAnswer { status: 200, headers, body: to_json(&Values { value }) }
}

/// Length in bytes of the body that [`encode_answer`] writes.
#[must_use]
pub fn answer_bytes(answer: &Answer) -> u64 {
    let value = match answer {
        Answer::Switch(state) => r#"{"Status":""}"#.len() + status(*state).len(),
        _ => 0,
    };
    (r#"{"value":[]}"#.len() + value) as u64
}

/// Reads the answer to a command.
///
/// # Errors
/// The refusal, or [`RefusalKind::Malformed`] if the answer cannot be understood.
pub fn decode_answer(call: &Call, answer: &HttpAnswer) -> Result<Answer, Refusal> {
    if answer.status != 200 {
        return Err(graph::error::read(answer));
    }
    if matches!(call, Call::StopMailbox | Call::StartMailbox | Call::ReleaseMailbox) {
        return Ok(Answer::Done);
    }
    let malformed = Refusal { kind: RefusalKind::Malformed, status: answer.status, retry_after: None };
    let values: Values<'_> = serde_json::from_slice(&answer.body).map_err(|_| malformed)?;
    let user = values.value.first().ok_or(malformed)?;
    Ok(Answer::Switch(state(&user.status)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CALLS: [Call; 6] = [
        Call::StopMailbox,
        Call::StartMailbox,
        Call::StartSwitch,
        Call::PollSwitch,
        Call::CancelSwitch,
        Call::ReleaseMailbox,
    ];

    #[test]
    fn commands_are_read_as_they_were_written_and_weigh_what_they_are_said_to_weigh() {
        for call in CALLS {
            let sent = encode_call(&call, "a@b.example").expect("readable");
            assert!(is_admin(&call) && is_admin_path(&sent.path));
            let decoded = decode_call(sent.method, &sent.path, &sent.body).expect("readable");
            assert_eq!(decoded, Decoded { address: "a@b.example".to_owned(), call: call.clone() });
            assert_eq!(call_bytes(&call, "a@b.example".len()), sent.body.len() as u64, "{call:?}");
        }
        assert!(encode_call(&Call::CreateImportSession, "a@b.example").is_err());
    }

    #[test]
    fn answers_are_read_as_they_were_written() {
        for state in [SwitchState::Queued, SwitchState::Completing, SwitchState::Completed, SwitchState::Failed] {
            let answer = Answer::Switch(state);
            let sent = encode_answer(&answer);
            assert_eq!(answer_bytes(&answer), sent.body.len() as u64);
            assert_eq!(decode_answer(&Call::PollSwitch, &sent), Ok(answer));
        }
        let sent = encode_answer(&Answer::Done);
        assert_eq!(answer_bytes(&Answer::Done), sent.body.len() as u64);
        assert_eq!(decode_answer(&Call::ReleaseMailbox, &sent), Ok(Answer::Done));
        assert!(decode_answer(&Call::PollSwitch, &sent).is_err());
    }

    #[test]
    fn only_the_command_path_leads_here() {
        assert!(is_admin_path("/adminapi/beta/contoso.test/InvokeCommand?$select=x"));
        assert!(is_admin_path("//AdminApi/v1.0/t/invokecommand"));
        for path in ["/adminapi/beta/InvokeCommand", "/adminapi/beta/t/Mailbox", "/v1.0/users", "", "/"] {
            assert!(!is_admin_path(path), "{path}");
        }
    }

    proptest! {
        #[test]
        fn any_command_is_read_or_refused(body: Vec<u8>, name in "[A-Za-z-]{0,24}") {
            let _ = decode_call("POST", "/adminapi/beta/t/InvokeCommand", &body);
            let command = format!(r#"{{"CmdletInput":{{"CmdletName":"{name}","Parameters":{{"Identity":"a"}}}}}}"#);
            let _ = decode_call("POST", "/adminapi/beta/t/InvokeCommand", command.as_bytes());
            let _ = decode_answer(&Call::PollSwitch, &HttpAnswer { status: 200, headers: Vec::new(), body });
        }
    }
}
