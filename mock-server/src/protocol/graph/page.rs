//! One page of a collection: which members fit, in which order, from where to where.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::failure::Failure;
use super::filter::evaluate;
use super::query::{Order, Query};
use super::reply::Reply;
use super::search::Search;
use super::token;

/// Members of a page without `$top` (learn.microsoft.com/graph/api/user-list-messages).
pub(super) const DEFAULT_TOP: u32 = 10;

/// Largest `$top` (learn.microsoft.com/graph/api/user-list-messages).
pub(super) const MAX_TOP: u32 = 1000;

/// Where a page begins.
#[derive(Serialize, Deserialize)]
struct SkipToken {
    #[serde(rename = "s")]
    skip: usize,
}

/// The members of a page.
#[derive(Debug)]
pub(super) struct Chosen<K> {
    pub members: Vec<K>,
    /// How many members the next page passes over, if there is one.
    pub next: Option<usize>,
    /// How many members there are on all pages.
    pub total: usize,
}

/// How the members of a collection are looked at.
pub(super) struct Access<'a, K, E> {
    /// Loads a member; nothing if it is gone or cannot be read.
    pub load: &'a mut dyn FnMut(&K) -> Option<E>,
    /// The value of a property.
    pub property: &'a dyn Fn(&E, &str) -> Value,
    /// Whether there is such a property.
    pub knows: &'a dyn Fn(&str) -> bool,
    /// The name of the members' type, for errors.
    pub kind: &'static str,
}

/// Refuses a query whose properties do not exist or whose options do not go together, as the service does.
pub(super) fn check(query: &Query, knows: &dyn Fn(&str) -> bool, kind: &str) -> Result<(), Failure> {
    let mut filtered: Vec<&[String]> = Vec::new();
    if let Some(filter) = &query.filter {
        filter.visit_paths(&mut |path| filtered.push(path));
    }
    let selected = query.select.iter().flatten().map(String::as_str).filter(|name| *name != "*");
    let ordered = query.order.iter().filter_map(|order| order.path.first()).map(String::as_str);
    let named = filtered.iter().filter_map(|path| path.first()).map(String::as_str);
    for name in selected.chain(ordered).chain(named) {
        if !name.starts_with('@') && !name.starts_with('$') && name != "id" && !knows(name) {
            return Err(Failure::query(format!(
                "Could not find a property named '{name}' on type 'Microsoft.OutlookServices.{kind}'."
            )));
        }
    }
    if query.search.is_some() {
        let other = match (&query.filter, query.order.is_empty()) {
            (Some(_), _) => Some(("SearchWithFilter", "$filter")),
            (_, false) => Some(("SearchWithOrderBy", "$orderBy")),
            _ => None,
        };
        if let Some((code, option)) = other {
            let message = format!("The query parameter '{option}' is not supported with '$search'.");
            return Err(Failure::new(400, code, message));
        }
    }
    // Properties to order by must be filtered first and in the same order
    // (learn.microsoft.com/graph/api/user-list-messages, "Using filter and orderby in the same query").
    let mut distinct: Vec<&[String]> = Vec::new();
    for path in filtered {
        if !distinct.contains(&path) {
            distinct.push(path);
        }
    }
    let in_order = query.order.iter().enumerate().all(|(at, order)| distinct.get(at) == Some(&order.path.as_slice()));
    if query.filter.is_some() && !query.order.is_empty() && !in_order {
        let message = "The restriction or sort order is too complex for this operation.";
        return Err(Failure::new(400, "InefficientFilter", message));
    }
    Ok(())
}

fn by_order(orders: &[Order], one: &[Value], two: &[Value]) -> Ordering {
    let mut pairs = orders.iter().zip(one.iter().zip(two));
    let differing = pairs.find_map(|(order, (one, two))| {
        let ordering = evaluate::order(one, two).unwrap_or(Ordering::Equal);
        (ordering != Ordering::Equal).then_some(if order.descending { ordering.reverse() } else { ordering })
    });
    differing.unwrap_or(Ordering::Equal)
}

/// How many members the page of a query has at most.
pub(super) fn size(query: &Query, preferred: Option<u32>) -> Result<usize, Failure> {
    let top = query.top.or(preferred.map(|size| size.min(MAX_TOP))).unwrap_or(DEFAULT_TOP);
    if top == 0 || MAX_TOP < top {
        return Err(Failure::bad("The value of $top must be between 1 and 1000."));
    }
    Ok(top as usize)
}

/// How many members a query passes over.
pub(super) fn start(query: &Query) -> Result<usize, Failure> {
    match &query.skip_token {
        Some(text) => match token::open::<SkipToken>(text) {
            Some(token) => Ok(token.skip),
            None => Err(Failure::bad("Badly formed token.")),
        },
        None => Ok(query.skip.unwrap_or(0) as usize),
    }
}

/// Whether the page of a query is a piece of the collection as it stands.
pub(super) fn is_piece(query: &Query) -> bool {
    query.filter.is_none() && query.order.is_empty() && query.search.is_none()
}

/// Chooses the page of a query for which [`is_piece`] holds. `newest` gives the members after those skipped, at most so
/// many; there are `total` members.
pub(super) fn piece<K>(
    query: &Query,
    preferred: Option<u32>,
    total: usize,
    newest: impl FnOnce(usize, usize) -> Vec<K>,
) -> Result<Chosen<K>, Failure> {
    let (from, size) = (start(query)?, size(query, preferred)?);
    let members = newest(from, size);
    let end = from + members.len();
    Ok(Chosen { next: (end < total && members.len() == size).then_some(end), members, total })
}

/// Chooses the members of the page that a query asks for.
pub(super) fn choose<K: Clone, E>(
    query: &Query,
    preferred: Option<u32>,
    members: &[K],
    access: &mut Access<'_, K, E>,
) -> Result<Chosen<K>, Failure> {
    check(query, access.knows, access.kind)?;
    let (from, size) = (start(query)?, size(query, preferred)?);
    let cut = |members: &[K]| {
        let end = from.saturating_add(size).min(members.len());
        let members_of_page = members.get(from..end).unwrap_or_default().to_vec();
        Chosen { members: members_of_page, next: (end < members.len()).then_some(end), total: members.len() }
    };
    let search = query.search.as_deref().map(Search::parse).transpose()?;
    if query.filter.is_none() && query.order.is_empty() && search.is_none() {
        return Ok(cut(members));
    }
    let mut fitting: Vec<(Vec<Value>, K)> = Vec::new();
    for member in members {
        let Some(entity) = (access.load)(member) else { continue };
        let property = |name: &str| (access.property)(&entity, name);
        let fits = query.filter.as_ref().is_none_or(|filter| evaluate::fits(filter, &property))
            && search.as_ref().is_none_or(|search| search.fits(&property));
        if fits {
            let keys = query.order.iter().map(|order| evaluate::at(&order.path, &property)).collect();
            fitting.push((keys, member.clone()));
        }
    }
    fitting.sort_by(|(one, _), (two, _)| by_order(&query.order, one, two));
    let ordered: Vec<K> = fitting.into_iter().map(|(_, member)| member).collect();
    Ok(cut(&ordered))
}

/// The body of a page as it is sent.
#[derive(Serialize)]
struct Body<'a, T> {
    #[serde(rename = "@odata.context")]
    context: &'a str,
    #[serde(rename = "@odata.count", skip_serializing_if = "Option::is_none")]
    count: Option<usize>,
    value: &'a [T],
    #[serde(rename = "@odata.nextLink", skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// The body of a page. `path` is the collection's own URL without a query, `context` what `@odata.context` names.
pub(super) fn body<K, T: Serialize>(
    context: &str,
    path: &str,
    query: &Query,
    chosen: &Chosen<K>,
    value: &[T],
) -> Reply {
    let next = chosen.next.map(|skip| {
        let token = token::seal(&SkipToken { skip });
        format!("{path}{}", query.with(&["skiptoken", "skip"], "$skiptoken", &token))
    });
    let body = Body { context, count: query.count.then_some(chosen.total), value, next };
    Reply::written(serde_json::to_vec(&body).expect("texts and numbers are valid JSON"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pages(query: &str) -> Result<Vec<Vec<u64>>, Failure> {
        let members: Vec<u64> = (0..25).collect();
        let mut query = Query::parse(query)?;
        let mut found = Vec::new();
        loop {
            let mut access = Access {
                load: &mut |member: &u64| Some(*member),
                property: &|member: &u64, name: &str| match name {
                    "subject" => Value::String(format!("s{:02}", 30 - member)),
                    "odd" => json!(member % 2 == 1),
                    _ => Value::Null,
                },
                knows: &|name: &str| ["subject", "odd"].contains(&name),
                kind: "Message",
            };
            let chosen = choose(&query, None, &members, &mut access)?;
            let answer = body::<_, Value>("", "", &query, &chosen, &[]).answer();
            let body: Value = serde_json::from_slice(&answer.body).expect("JSON");
            found.push(chosen.members);
            match body["@odata.nextLink"].as_str() {
                Some(link) => query = Query::parse(&link[1..])?,
                None => return Ok(found),
            }
        }
    }

    #[test]
    fn all_members_are_listed_once_and_in_order() {
        let all = pages("$top=7&$select=subject&$orderby=subject").expect("pages");
        assert_eq!(all.iter().map(Vec::len).collect::<Vec<_>>(), [7, 7, 7, 4]);
        assert_eq!(all.concat(), (0..25).rev().collect::<Vec<_>>());
        assert_eq!(
            pages("$filter=odd eq true").expect("pages").concat(),
            (0..25).filter(|n| n % 2 == 1).collect::<Vec<_>>()
        );
        assert_eq!(pages("$skip=20").expect("pages").concat(), [20, 21, 22, 23, 24]);
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        let code = |query: &str| match pages(query) {
            Err(Failure::Wrong { code, .. }) => code.into_owned(),
            _ => String::new(),
        };
        assert_eq!(code("$search=\"x\"&$orderby=subject"), "SearchWithOrderBy");
        assert_eq!(code("$search=\"x\"&$filter=odd eq true"), "SearchWithFilter");
        assert_eq!(code("$filter=odd eq true&$orderby=subject"), "InefficientFilter");
        assert_eq!(code("$filter=nothing eq true"), "RequestBroker--ParseUri");
        assert_eq!(code("$select=nothing"), "RequestBroker--ParseUri");
        assert_eq!(code("$top=0"), "BadRequest");
        assert_eq!(code("$skiptoken=x"), "BadRequest");
        assert_eq!(code("$filter=subject ge 's' and odd eq true&$orderby=subject"), "");
    }
}
