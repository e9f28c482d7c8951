//! JSON: an array of records, an answer with a `value` array, or one record after the other.

use std::fmt;
use std::io::Read;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::collect::Collector;
use super::{Stop, Warning};

/// Reads records one at a time.
pub(super) fn read(reader: impl Read, collector: &mut Collector) -> Result<(), Stop> {
    let mut records = Records { collector, seen: 0, stop: None };
    let mut deserializer = serde_json::Deserializer::from_reader(reader);
    loop {
        let result = Top(&mut records).deserialize(&mut deserializer);
        if let Some(stop) = records.stop.take() {
            return Err(stop);
        }
        result.map_err(|error| Stop::Malformed(error.to_string()))?;
        if deserializer.end().is_ok() {
            break;
        }
    }
    if records.seen == 0 { Err(Stop::NoMailboxes("a JSON document without records".to_owned())) } else { Ok(()) }
}

struct Records<'c> {
    collector: &'c mut Collector,
    seen: u64,
    stop: Option<Stop>,
}

impl Records<'_> {
    /// Takes one record; false if the file is no inventory.
    fn take(&mut self, record: &Value) -> bool {
        self.seen += 1;
        let Value::Object(fields) = record else {
            self.collector.skip(self.seen, "the entry is no object".to_owned());
            return true;
        };
        if let Err(stop) = self.collector.bind(fields.keys().cloned().collect()) {
            if self.seen == 1 {
                self.stop = Some(stop);
                return false;
            }
            self.collector.skip(self.seen, "the entry has no name or no size".to_owned());
            return true;
        }
        let cells: Vec<String> = fields.values().map(text).collect();
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        self.collector.row(self.seen, &cells);
        true
    }
}

/// The text of a value as a table would have it. Sizes may be objects with `IsUnlimited` and `Value`.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Object(fields) => {
            let field = |name: &str| fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, v)| v);
            match field("IsUnlimited") {
                Some(Value::Bool(true)) => "Unlimited".to_owned(),
                _ => field("Value").map(text).unwrap_or_default(),
            }
        }
        Value::Null | Value::Array(_) => String::new(),
    }
}

/// The document: records may be at the top or under `value`.
struct Top<'r, 'c>(&'r mut Records<'c>);

impl<'de> DeserializeSeed<'de> for Top<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Top<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of mailboxes or an object with a `value` array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some(record) = entries.next_element::<Value>()? {
            if !self.0.take(&record) {
                return Err(serde::de::Error::custom("no inventory"));
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let mut record = Map::new();
        let mut has_entries = false;
        while let Some(name) = fields.next_key::<String>()? {
            if name == "value" {
                has_entries = true;
                fields.next_value_seed(Top(self.0))?;
            } else if name.ends_with("odata.nextLink") {
                if fields.next_value::<Value>()?.as_str().is_some_and(|link| !link.is_empty()) {
                    self.0.collector.warn(Warning::OnePage);
                }
            } else {
                record.insert(name, fields.next_value()?);
            }
        }
        if !has_entries && !self.0.take(&Value::Object(record)) {
            return Err(serde::de::Error::custom("no inventory"));
        }
        Ok(())
    }
}
