//! `GetInboxRules` and `UpdateInboxRules`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::context::{Context, Refused};
use super::failure::Failure;
use super::fields::codec::read_bool;
use super::messages::respond;
use crate::mailbox::settings::{Rule, Settings};
use crate::protocol::host::Host;
use crate::service::cost::Work;
use crate::wire::ews::xml::{Element, Writer};
use crate::wire::id::MailboxKey;
use crate::wire::operation::Operation;

/// The most rules of a mailbox (assumed; Exchange limits their size to 256 KB, Microsoft Learn, "Exchange Online
/// limits").
const RULES_MAX: usize = 1_000;

/// Why a rule is refused: the field, the code (`RuleValidationErrorCodeType`) and the text.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
struct Invalid {
    field: &'static str,
    code: &'static str,
    text: &'static str,
}

const NOT_FOUND: Invalid = Invalid { field: "RuleId", code: "RuleNotFound", text: "The rule was not found." };
const TOO_MANY: Invalid = Invalid { field: "Actions", code: "UnexpectedError", text: "There are too many rules." };

/// The mailbox whose rules are meant.
fn owner<H: Host>(request: &Element<'_>, context: &Context<'_, H>) -> Result<MailboxKey, Failure> {
    match request.message("MailboxSmtpAddress").map(Element::text).filter(|address| !address.is_empty()) {
        Some(address) => context.find(address).ok_or(Failure::NO_MAILBOX),
        None => Ok(context.mailbox()),
    }
}

/// `GetInboxRules`.
pub(super) fn get<H: Host>(request: &Element<'_>, context: &mut Context<'_, H>) -> Result<Vec<u8>, Refused> {
    let owner = owner(request, context);
    let mailbox = owner.unwrap_or(context.mailbox());
    let rules = context.perform(mailbox, Operation::Other, |open| {
        let rules = owner.map(|_| open.settings().rules.clone());
        (rules, Work::default())
    })?;
    let outcome = rules.as_ref().map(|_| ()).map_err(|failure| *failure);
    Ok(respond("m:GetInboxRulesResponse", outcome, |writer| {
        let Ok(rules) = &rules else { return };
        writer.leaf("m:OutlookRuleBlobExists", "false");
        if rules.is_empty() {
            return;
        }
        writer.open("m:InboxRules", &[]);
        for rule in rules {
            write(writer, rule);
        }
        writer.close("m:InboxRules");
    }))
}

fn id_of(number: u64) -> String {
    STANDARD.encode(number.to_le_bytes())
}

fn read_id(text: &str) -> Option<u64> {
    Some(u64::from_le_bytes(STANDARD.decode(text).ok()?.try_into().ok()?))
}

fn write(writer: &mut Writer, rule: &Rule) {
    writer.open("t:Rule", &[]);
    writer.leaf("t:RuleId", &id_of(rule.number));
    writer.leaf("t:DisplayName", &rule.name);
    writer.leaf("t:Priority", &rule.priority.to_string());
    writer.leaf("t:IsEnabled", if rule.enabled { "true" } else { "false" });
    for part in [&rule.conditions, &rule.exceptions, &rule.actions].into_iter().flatten() {
        writer.raw(part.as_bytes());
    }
    writer.close("t:Rule");
}

/// `UpdateInboxRules`: all operations are carried out, or none.
pub(super) fn update<H: Host>(request: &Element<'_>, context: &mut Context<'_, H>) -> Result<Vec<u8>, Refused> {
    let operations = request.message("Operations").map_or(&[][..], |operations| &operations.children);
    if operations.is_empty() {
        return Err(Refused::schema("there are no operations on rules"));
    }
    let owner = owner(request, context);
    let mailbox = owner.unwrap_or(context.mailbox());
    let done = context.perform(mailbox, Operation::Other, |open| {
        let done = owner.map(|_| {
            let mut settings = open.settings().clone();
            let outcomes = operations.iter().map(|operation| change(&mut settings, operation));
            let errors: Vec<(usize, Result<(), Invalid>)> = outcomes.enumerate().collect();
            let errors: Vec<(usize, Invalid)> =
                errors.into_iter().filter_map(|(place, outcome)| Some((place, outcome.err()?))).collect();
            if errors.is_empty() {
                settings.rules.sort_by_key(|rule| rule.priority);
                *open.settings_mut() = settings;
            }
            errors
        });
        (done, Work::default())
    })?;
    let outcome = match &done {
        Err(failure) => Err(*failure),
        Ok(errors) if errors.is_empty() => Ok(()),
        Ok(_) => Err(Failure::RULES),
    };
    Ok(respond("m:UpdateInboxRulesResponse", outcome, |writer| {
        let Ok(errors) = done else { return };
        if errors.is_empty() {
            return;
        }
        writer.open("m:RuleOperationErrors", &[]);
        for (place, invalid) in errors {
            write_error(writer, place, invalid);
        }
        writer.close("m:RuleOperationErrors");
    }))
}

fn write_error(writer: &mut Writer, place: usize, Invalid { field, code, text }: Invalid) {
    writer.open("t:RuleOperationError", &[]);
    writer.leaf("t:OperationIndex", &place.to_string());
    writer.open("t:ValidationErrors", &[]);
    writer.open("t:Error", &[]);
    writer.leaf("t:FieldURI", field);
    writer.leaf("t:ErrorCode", code);
    writer.leaf("t:ErrorMessage", text);
    writer.leaf("t:FieldValue", "");
    writer.close("t:Error");
    writer.close("t:ValidationErrors");
    writer.close("t:RuleOperationError");
}

fn change(settings: &mut Settings, operation: &Element<'_>) -> Result<(), Invalid> {
    let place = |settings: &Settings, id: Option<&Element<'_>>| {
        let number = read_id(id.map_or("", Element::text)).ok_or(NOT_FOUND)?;
        settings.rules.iter().position(|rule| rule.number == number).ok_or(NOT_FOUND)
    };
    match (&*operation.name, operation.typed("Rule")) {
        ("CreateRuleOperation", Some(rule)) => {
            if rule.typed("RuleId").is_some() {
                let text = "A new rule cannot have an identifier.";
                return Err(Invalid { field: "RuleId", code: "CreateWithRuleId", text });
            }
            let rule = read(rule)?;
            if settings.rules.len() >= RULES_MAX {
                return Err(TOO_MANY);
            }
            let number = settings.next_number();
            settings.rules.push(Rule { number, ..rule });
        }
        ("SetRuleOperation", Some(rule)) => {
            let place = place(settings, rule.typed("RuleId"))?;
            let number = settings.rules[place].number;
            settings.rules[place] = Rule { number, ..read(rule)? };
        }
        ("DeleteRuleOperation", _) => {
            let place = place(settings, operation.typed("RuleId"))?;
            settings.rules.remove(place);
        }
        _ => return Err(Invalid { field: "Actions", code: "MissingParameter", text: "The rule is missing." }),
    }
    Ok(())
}

/// Reads a rule, without its number.
fn read(rule: &Element<'_>) -> Result<Rule, Invalid> {
    let invalid = |field, text| Invalid { field, code: "InvalidValue", text };
    let name = rule.typed("DisplayName").map_or("", Element::text);
    if name.is_empty() {
        return Err(Invalid { field: "DisplayName", code: "EmptyValueFound", text: "The name must not be empty." });
    }
    let priority = rule.typed("Priority").and_then(|priority| priority.text().parse().ok());
    let priority = priority.filter(|priority| *priority > 0);
    let priority = priority.ok_or_else(|| invalid("Priority", "The priority must be a positive number."))?;
    let actions = rule.typed("Actions").filter(|actions| !actions.children.is_empty());
    let missing = Invalid { field: "Actions", code: "MissingAction", text: "A rule must have an action." };
    check(actions.ok_or(missing)?)?;
    let part = |name: &str| {
        rule.typed(name).map(|part| {
            let mut writer = Writer::cleaning_fragment();
            writer.copy(part);
            String::from_utf8_lossy(&writer.finish()).into_owned()
        })
    };
    Ok(Rule {
        number: 0,
        name: name.to_owned(),
        priority,
        enabled: rule.typed("IsEnabled").and_then(|enabled| read_bool(enabled.text())).unwrap_or(true),
        conditions: part("Conditions"),
        exceptions: part("Exceptions"),
        actions: part("Actions"),
    })
}

/// Whether actions are such as Exchange Online carries out.
fn check(actions: &Element<'_>) -> Result<(), Invalid> {
    if actions.typed("SendSMSAlertToRecipients").is_some() {
        let text = "The operation on this unsupported rule is not allowed.";
        return Err(Invalid { field: "Action:SendSMSAlertToRecipients", code: "UnsupportedRule", text });
    }
    if actions.typed("ServerReplyWithMessage").is_some_and(|reply| reply.attribute("Id").is_none_or(str::is_empty)) {
        let text = "Id must be non-empty.";
        return Err(Invalid { field: "Action:ServerReplyWithMessage", code: "InvalidValue", text });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::ews::xml::{TYPES_URI, parse};

    fn check(settings: &mut Settings, operation: &str) -> Result<(), Invalid> {
        let text = operation.replacen('>', &format!(" xmlns=\"{TYPES_URI}\">"), 1);
        change(settings, &parse(text.as_bytes(), 10_000).expect("it is XML"))
    }

    #[test]
    fn rules_are_made_changed_and_removed_by_their_identifiers() {
        let mut settings = Settings::default();
        let rule = |id: &str, name: &str| {
            format!(
                "<Rule>{id}<DisplayName>{name}</DisplayName><Priority>1</Priority><IsEnabled>true</IsEnabled>\
                 <Actions><Delete>true</Delete></Actions></Rule>"
            )
        };
        let create = format!("<CreateRuleOperation>{}</CreateRuleOperation>", rule("", "one"));
        assert_eq!(check(&mut settings, &create), Ok(()));
        let id = format!("<RuleId>{}</RuleId>", id_of(settings.rules[0].number));
        let set = format!("<SetRuleOperation>{}</SetRuleOperation>", rule(&id, "two"));
        assert_eq!(check(&mut settings, &set), Ok(()));
        assert_eq!(settings.rules[0].name, "two");
        assert_eq!(settings.rules[0].actions.as_deref(), Some("<t:Actions><t:Delete>true</t:Delete></t:Actions>"));
        let delete = format!("<DeleteRuleOperation>{id}</DeleteRuleOperation>");
        assert_eq!(check(&mut settings, &delete), Ok(()));
        assert_eq!(check(&mut settings, &delete), Err(NOT_FOUND));
    }
}
