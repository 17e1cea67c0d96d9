//! What an agent remembers, as its page shows it: where its words carry the id of a thing, the page has its name.

use domain::{PageRequest, memories::Memory, runs::Thing};
use uuid::Uuid;

use super::super::memory::*;
use crate::{error::AppError, fmt::Moment, server};

/// What an agent remembers.
pub async fn memory(slug: &str, id: &str, cursor: &str) -> Result<MemoryList, AppError> {
    let id = super::agent_id(id)?;
    let later = !cursor.is_empty();
    let request = PageRequest { after: later.then(|| cursor.to_owned()), ..PageRequest::default() };
    let mut t = server::tenant(slug).await?;
    let agent = t.agents().get(id).await?;
    let page = t.memories().list(id, &request).await?;
    let ids: Vec<Uuid> = page.items.iter().flat_map(|memory| marks(&memory.text)).collect();
    let things = t.runs().things(&ids).await?;
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    t.commit().await?;
    let row = |memory: Memory| MemoryRow {
        id: memory.id.to_string(),
        kind: memory.kind.label().to_owned(),
        text: named(&memory.text, &things),
        outside: memory.outside,
        run: memory.run.map(|run| run.to_string()),
        by: memory.created_by,
        at: Moment::new(memory.created_at, now, &zone),
        expires: Moment::new(memory.expires_at, now, &zone),
    };
    Ok(MemoryList {
        head: super::head(&agent),
        later,
        next: page.next,
        rows: page.items.into_iter().map(row).collect(),
    })
}

/// The ids that an agent has left in brackets, by which it finds its words again.
fn marks(text: &str) -> Vec<Uuid> {
    let inside = text.split('[').skip(1).filter_map(|rest| Some(rest.split_once(']')?.0));
    inside.filter(|inside| inside.len() == 36).filter_map(|inside| inside.parse().ok()).collect()
}

/// The words with names in the place of such ids, and nothing where the thing is gone.
fn named(text: &str, things: &[Thing]) -> String {
    let words = marks(text).into_iter().fold(text.to_owned(), |words, id| {
        let name = things.iter().find(|thing| thing.id == id).map(|thing| format!("({})", thing.name));
        words.replace(&format!("[{id}]"), &name.unwrap_or_default())
    });
    words.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use domain::runs::ThingKind;

    use super::*;

    #[test]
    fn a_mark_becomes_the_name_of_what_it_means() {
        let id: Uuid = "019aa5e0-7c00-7000-8000-000000000001".parse().expect("an id");
        let text = format!("96 had been sent. [{id}] [x]");
        let spring = Thing { kind: ThingKind::Campaign, id, name: "Spring fair".to_owned() };
        assert_eq!(named(&text, &[spring]), "96 had been sent. (Spring fair) [x]");
        assert_eq!(named(&format!("96 had been sent. [{id}]"), &[]), "96 had been sent.");
    }
}
