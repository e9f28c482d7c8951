//! `GetItem`.

use super::{Target, each};
use crate::protocol::ews::context::{Context, Refused};
use crate::protocol::ews::fields::scene::Viewer;
use crate::protocol::ews::fields::shape::{Plans, Shape};
use crate::protocol::ews::messages::Messages;
use crate::protocol::ews::names::GET_ITEM;
use crate::protocol::host::Host;
use crate::wire::ews::xml::Element;
use crate::wire::operation::Operation;

/// Answers the operation.
pub(in super::super) fn answer<H: Host>(
    request: &Element<'_>,
    context: &mut Context<'_, H>,
) -> Result<Vec<u8>, Refused> {
    let shape = request.message("ItemShape").ok_or_else(|| Refused::schema("the shape is missing"))?;
    let targets = Target::read_all(request.message("ItemIds"))?;
    let mut messages = Messages::new(&GET_ITEM, Some("m:Items"));
    let shape = match Shape::read(shape) {
        Ok(shape) => shape,
        Err(failure) => {
            messages.fail_all(targets.len(), failure);
            return Ok(messages.finish());
        }
    };
    let mut plans = Plans::default();
    each(context, Operation::ReadItems, &targets, &mut messages, |open, _, target, messages| {
        let found = target.find(open)?;
        let address = open.address();
        let viewer = Viewer { mailbox: open.mailbox(), address: &address };
        messages.succeed(|writer| {
            writer.open("m:Items", &[]);
            plans.write(writer, &shape, &found.scene(viewer, &shape, false));
            writer.close("m:Items");
        });
        Ok(u64::from(found.head.size))
    })?;
    Ok(messages.finish())
}
