//! Views: which part of a listing is shown.

use std::ops::Range;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::protocol::ews::failure::Failure;
use crate::protocol::ews::fields::field::Slot;
use crate::protocol::ews::fields::props::text;
use crate::protocol::ews::fields::scene::Scene;
use crate::protocol::ews::fields::times;
use crate::protocol::ews::restriction::Restriction;
use crate::wire::ews::xml::Element;

/// The most items of one page (Microsoft Learn, "EWS throttling in Exchange": `EwsFindCountLimit`).
const PAGE_MAX: usize = 1_000;
/// The longest calendar view (Microsoft Learn, "`CalendarView`": two years), in days.
const VIEW_DAYS_MAX: i64 = 2 * 366;

/// A view.
#[derive(Debug)]
pub(super) enum View {
    /// Everything, up to the length of a page.
    Whole,
    /// So many from a place.
    Indexed {
        /// How many.
        most: usize,
        /// How many are passed over.
        offset: usize,
        /// Whether it counts from the end.
        from_end: bool,
    },
    /// So many from a place that is a part of the whole.
    Fractional {
        /// How many.
        most: usize,
        /// The part: numerator and denominator.
        part: (usize, usize),
    },
    /// From the first item for which something holds.
    Seek {
        /// How many.
        most: usize,
        /// What must hold.
        condition: Restriction,
        /// Whether it ends there instead.
        from_end: bool,
    },
    /// A span of a calendar.
    Calendar {
        /// From here.
        from: Timestamp,
        /// To here.
        to: Timestamp,
        /// How many.
        most: Option<usize>,
    },
    /// Contacts by the first letters of their names.
    Contacts {
        /// How many.
        most: usize,
        /// Not before this name.
        first: Option<String>,
        /// Not behind this name.
        last: Option<String>,
    },
}

/// A page of a listing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Page {
    /// Which of the items are on it.
    pub(super) range: Range<usize>,
    total: usize,
    last: bool,
    offset: Option<usize>,
    part: Option<(usize, usize)>,
}

impl Page {
    /// The page that shows what a calendar holds.
    pub(super) fn calendar(total: usize, shown: usize) -> Self {
        Self { range: 0..shown, total, last: shown == total, offset: None, part: None }
    }

    /// The attributes of the element that holds it.
    pub(super) fn attributes(&self) -> Vec<(&'static str, String)> {
        let mut attributes = Vec::new();
        if let Some(offset) = self.offset {
            attributes.push(("IndexedPagingOffset", offset.to_string()));
        }
        if let Some((numerator, denominator)) = self.part {
            attributes.push(("NumeratorOffset", numerator.to_string()));
            attributes.push(("AbsoluteDenominator", denominator.to_string()));
        }
        attributes.push(("TotalItemsInView", self.total.to_string()));
        attributes.push(("IncludesLastItemInRange", self.last.to_string()));
        attributes
    }
}

impl View {
    /// Reads the view of a request.
    pub(super) fn read(request: &Element<'_>, zone: &TimeZone) -> Result<Self, Failure> {
        let most = |view: &Element<'_>| -> Result<Option<usize>, Failure> {
            match view.attribute("MaxEntriesReturned") {
                Some(most) => most.parse().ok().filter(|most| *most > 0).map(Some).ok_or(Failure::PAGING),
                None => Ok(None),
            }
        };
        let page = |view: &Element<'_>| most(view).map(|most| most.unwrap_or(PAGE_MAX).min(PAGE_MAX));
        let number = |view: &Element<'_>, name: &str| view.attribute(name).and_then(|text| text.parse::<usize>().ok());
        let from_end = |view: &Element<'_>| match view.attribute("BasePoint") {
            Some("Beginning") => Ok(false),
            Some("End") => Ok(true),
            _ => Err(Failure::PAGING),
        };
        if let Some(view) = request.message("IndexedPageItemView") {
            let offset = number(view, "Offset").ok_or(Failure::PAGING)?;
            return Ok(Self::Indexed { most: page(view)?, offset, from_end: from_end(view)? });
        }
        if let Some(view) = request.message("FractionalPageItemView") {
            let part = number(view, "Numerator").zip(number(view, "Denominator"));
            let part = part.filter(|(numerator, denominator)| *denominator > 0 && numerator <= denominator);
            return Ok(Self::Fractional { most: page(view)?, part: part.ok_or(Failure::FRACTION)? });
        }
        if let Some(view) = request.message("SeekToConditionPageItemView") {
            let condition = view.typed("Condition").ok_or(Failure::INVALID_RESTRICTION)?;
            let condition = Restriction::read(condition, zone)?;
            return Ok(Self::Seek { most: page(view)?, condition, from_end: from_end(view)? });
        }
        if let Some(view) = request.message("CalendarView") {
            let moment = |name: &str| view.attribute(name).and_then(|text| times::read(text, zone));
            let (from, to) = moment("StartDate").zip(moment("EndDate")).ok_or(Failure::REQUEST)?;
            if to < from {
                return Err(Failure::VIEW_ORDER);
            }
            if to.duration_since(from).as_hours() > VIEW_DAYS_MAX * 24 {
                return Err(Failure::VIEW_RANGE);
            }
            // A view of no length shows what goes on at that moment.
            let to = if to == from { to + 1.second() } else { to };
            return Ok(Self::Calendar { from, to, most: most(view)? });
        }
        if let Some(view) = request.message("ContactsView") {
            let name = |name: &str| view.attribute(name).map(str::to_lowercase);
            return Ok(Self::Contacts { most: page(view)?, first: name("InitialName"), last: name("FinalName") });
        }
        Ok(Self::Whole)
    }

    /// Whether it picks items by what they hold.
    pub(super) fn picks(&self) -> bool {
        matches!(self, Self::Seek { .. } | Self::Contacts { .. })
    }

    /// What must hold for the item that the page begins at.
    pub(super) fn condition(&self) -> Option<&Restriction> {
        match self {
            Self::Seek { condition, .. } => Some(condition),
            _ => None,
        }
    }

    /// Whether it shows an item at all.
    pub(super) fn shows(&self, scene: &Scene<'_>) -> bool {
        let Self::Contacts { first, last, .. } = self else { return true };
        let name = text(scene.item, Slot::Tag(0x3001)).map_or_else(String::new, |name| name.to_lowercase());
        let starts = |limit: &String| name.starts_with(limit.as_str());
        first.as_ref().is_none_or(|first| name >= *first)
            && last.as_ref().is_none_or(|last| name <= *last || starts(last))
    }

    /// The page of a listing of so many items.
    pub(super) fn page(&self, total: usize) -> Page {
        let forward = |start: usize, most: usize| start.min(total)..start.saturating_add(most).min(total);
        match *self {
            Self::Indexed { most, offset, from_end: false } => {
                let range = forward(offset, most);
                Page { last: range.end == total, offset: Some(range.end), range, total, part: None }
            }
            Self::Indexed { most, offset, from_end: true } => {
                let end = total.saturating_sub(offset);
                let range = end.saturating_sub(most)..end;
                Page { last: range.start == 0, offset: Some(total - range.start), range, total, part: None }
            }
            Self::Fractional { most, part: (numerator, denominator) } => {
                let start = (total as u128 * numerator as u128 / denominator as u128) as usize;
                let range = forward(start, most);
                Page { last: range.end == total, part: Some((range.end, total.max(1))), range, total, offset: None }
            }
            Self::Contacts { most, .. } => {
                let range = forward(0, most);
                Page { last: range.end == total, range, total, offset: None, part: None }
            }
            Self::Whole | Self::Seek { .. } | Self::Calendar { .. } => {
                let range = forward(0, PAGE_MAX);
                Page { last: range.end == total, offset: Some(range.end), range, total, part: None }
            }
        }
    }

    /// The page that begins, or ends, at a place; an empty one behind all if there is no such place.
    pub(super) fn page_from(&self, total: usize, place: Option<usize>) -> Page {
        let Self::Seek { most, from_end, .. } = *self else { return self.page(total) };
        let place = place.unwrap_or(total);
        let range = if from_end {
            let end = (place + 1).min(total);
            end.saturating_sub(most)..end
        } else {
            place..place.saturating_add(most).min(total)
        };
        let last = if from_end { range.start == 0 } else { range.end == total };
        Page { last, offset: Some(if from_end { range.start } else { range.end }), range, total, part: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(view: &View, total: usize, range: Range<usize>, last: bool, offset: Option<usize>) {
        let page = view.page(total);
        assert_eq!((page.range.clone(), page.last, page.offset), (range, last, offset), "{view:?} of {total}");
    }

    #[test]
    fn pages_follow_each_other_without_gaps_from_either_end() {
        let view = |offset, from_end| View::Indexed { most: 100, offset, from_end };
        check(&view(0, false), 250, 0..100, false, Some(100));
        check(&view(200, false), 250, 200..250, true, Some(250));
        check(&view(300, false), 250, 250..250, true, Some(250));
        check(&view(0, true), 250, 150..250, false, Some(100));
        check(&view(200, true), 250, 0..50, true, Some(250));
        check(&view(0, false), 0, 0..0, true, Some(0));
        check(&View::Fractional { most: 10, part: (1, 2) }, 30, 15..25, false, None);
    }
}
