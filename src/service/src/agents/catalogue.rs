//! The agents that every company begins with, as files beside this one. A company gets them when it is
//! made, and their new versions with an update of the product, except for those that it has changed.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use domain::{AgentId, agents::Definition};
use include_dir::{Dir, include_dir};
use sha2::{Digest, Sha256};

use super::Agents;
use crate::{Db, Result};

/// Who writes the catalogue.
pub(super) const AUTHOR: &str = "Saleswright";

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/agents/catalogue");

/// Every definition, by name, and a hash over all of them.
static CATALOGUE: LazyLock<(Vec<Definition>, String)> = LazyLock::new(|| {
    let mut agents: Vec<_> = FILES
        .dirs()
        .flat_map(Dir::files)
        .filter_map(|file| Definition::from_markdown(file.contents_utf8()?).ok())
        .collect();
    agents.sort_by(|a, b| a.name.cmp(&b.name));
    let hash = agents.iter().fold(Sha256::new(), |hash, agent| hash.chain_update(agent.to_markdown()));
    (agents, hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
});

/// Every template of the catalogue: what a company keeps of it word for word is as safe as before.
static TEMPLATES: LazyLock<HashSet<&str>> =
    LazyLock::new(|| CATALOGUE.0.iter().flat_map(Definition::templates).collect());

/// Whether a template stands in the catalogue.
pub(super) fn has_template(text: &str) -> bool {
    TEMPLATES.contains(text)
}

/// Gives the newest catalogue to the companies that have an older one.
///
/// # Errors
/// When the database is away.
pub async fn refresh(db: &Db) -> Result<()> {
    loop {
        let behind = db.platform().companies_behind(&CATALOGUE.1).await?;
        if behind.is_empty() {
            return Ok(());
        }
        for company in behind {
            let actor = db.platform().system_actor(company, AUTHOR).await?;
            let mut t = db.tenant(&actor).await?;
            t.agents().take_catalogue().await?;
            t.commit().await?;
        }
    }
}

struct Known {
    id: AgentId,
    version: i32,
    follows: bool,
}

impl Agents<'_> {
    /// Brings the agents of the catalogue to their newest version.
    pub(crate) async fn take_catalogue(&mut self) -> Result<()> {
        let (agents, hash) = &*CATALOGUE;
        let known = sqlx::query!(
            r#"SELECT id AS "id: AgentId", catalogue_name AS "name!", version,
                      NOT edited AND deleted_at IS NULL AS "follows!"
               FROM agents WHERE catalogue_name IS NOT NULL FOR UPDATE"#
        )
        .fetch_all(self.t.conn())
        .await?;
        let known: HashMap<_, _> = known
            .into_iter()
            .map(|row| (row.name, Known { id: row.id, version: row.version, follows: row.follows }))
            .collect();
        for agent in agents {
            match known.get(&agent.name) {
                None => self.adopt(agent).await?,
                Some(old) if old.follows && self.file(old.id, old.version).await? != agent.to_markdown() => {
                    self.append(old.id, old.version + 1, agent, "New version of the catalogue", false).await?;
                }
                Some(_) => {}
            }
        }
        sqlx::query!("UPDATE companies SET catalogue = $1", hash).execute(self.t.conn()).await?;
        Ok(())
    }

    /// A name that the company has given to an agent of its own stays that agent's.
    async fn adopt(&mut self, agent: &Definition) -> Result<()> {
        let (id, now): (AgentId, _) = (self.t.new_id(), self.t.now());
        let made = sqlx::query!(
            "INSERT INTO agents (id, name, team, description, tools, origin, catalogue_name, version, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, 'catalogue', $2, 0, $6, $6)
             ON CONFLICT (company_id, name_key) WHERE deleted_at IS NULL DO NOTHING",
            id.0,
            agent.name,
            agent.team.as_str(),
            agent.description,
            &agent.tools,
            now,
        )
        .execute(self.t.conn())
        .await?;
        if made.rows_affected() == 0 {
            return Ok(());
        }
        self.append(id, 1, agent, "From the catalogue", false).await
    }
}

#[cfg(test)]
mod tests {
    use domain::agents::{Team, tool};

    use super::*;

    #[test]
    fn every_file_is_a_definition_whose_agent_can_work() {
        for file in FILES.dirs().flat_map(Dir::files) {
            let path = file.path().display();
            let text = file.contents_utf8().expect("text");
            let agent = Definition::from_markdown(text).unwrap_or_else(|p| panic!("{path}: {}", p.message));
            let place = format!("{}/{}.md", agent.team, agent.name);
            assert_eq!(file.path().to_str(), Some(place.as_str()));
            assert!(!agent.playbook.is_empty(), "{path}: it does nothing without a model");
            assert!(agent.example.is_some() && agent.evaluation.is_some(), "{path}: no example, or no evaluation");
            assert!(agent.more.is_empty(), "{path}: keys that nobody reads");
            for name in &agent.tools {
                assert!(tool(name).is_some(), "{path}: {name} is no tool");
            }
        }
    }

    #[test]
    fn the_teams_have_their_sizes() {
        let size = |team| CATALOGUE.0.iter().filter(|agent| agent.team == team).count();
        let sizes = [Team::Marketing, Team::Testing, Team::UserStories, Team::Engineering].map(size);
        assert_eq!(sizes, [17, 5, 1, 5]);
    }
}
