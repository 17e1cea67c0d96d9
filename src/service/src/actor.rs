//! Who asks. An [`Actor`] cannot be made from an id of a URL: only a session, a key,
//! a job or the command line gives one, and each of these was looked up before.

use std::fmt;

use domain::{ApiKeyId, CompanyId, Permission, Role, RunId, UserId, WorkflowId, keys::Scope};

/// Somebody who acts in one company, with the rights they have there.
#[derive(Clone, Debug)]
pub struct Actor {
    company: CompanyId,
    company_time_zone: String,
    who: Who,
    origin: Origin,
    run: Option<InRun>,
    workflow: Option<InWorkflow>,
}

/// The run in which an agent acts with the rights of somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InRun {
    /// The run.
    pub id: RunId,
    /// Name of the agent.
    pub agent: String,
}

/// The workflow that acts with the rights of somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InWorkflow {
    /// The workflow.
    pub id: WorkflowId,
    /// Its name.
    pub name: String,
    /// How many triggers and workflows stand in a row up to it.
    pub depth: i32,
    /// The workflows among them, and itself.
    pub behind: Vec<WorkflowId>,
}

/// Where a request came from, for the audit log.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// Network address.
    pub ip: Option<String>,
    /// Joins answer, log line and audit entry.
    pub request_id: Option<String>,
}

/// The kinds of actors.
#[derive(Clone, Debug)]
pub(crate) enum Who {
    /// A person who is signed in.
    Person { id: UserId, name: String, role: Role, time_zone: Option<String> },
    /// A program with a key.
    Key { id: ApiKeyId, name: String, scopes: Vec<Scope> },
    /// The system itself: a job, the sender, the command line, a recipient.
    System { name: &'static str },
}

impl Actor {
    pub(crate) fn person(
        company: CompanyId,
        company_time_zone: String,
        id: UserId,
        name: String,
        role: Role,
        time_zone: Option<String>,
        origin: Origin,
    ) -> Self {
        Self {
            company,
            company_time_zone,
            who: Who::Person { id, name, role, time_zone },
            origin,
            run: None,
            workflow: None,
        }
    }

    pub(crate) fn key(
        company: CompanyId,
        company_time_zone: String,
        id: ApiKeyId,
        name: String,
        scopes: Vec<Scope>,
        origin: Origin,
    ) -> Self {
        Self { company, company_time_zone, who: Who::Key { id, name, scopes }, origin, run: None, workflow: None }
    }

    pub(crate) fn system(company: CompanyId, company_time_zone: String, name: &'static str) -> Self {
        Self {
            company,
            company_time_zone,
            who: Who::System { name },
            origin: Origin::default(),
            run: None,
            workflow: None,
        }
    }

    /// The same rights, used by an agent in a run.
    pub(crate) fn in_run(self, run: InRun) -> Self {
        Self { run: Some(run), ..self }
    }

    /// The run in which an agent acts, if it is one that does.
    #[must_use]
    pub const fn run(&self) -> Option<&InRun> {
        self.run.as_ref()
    }

    /// The same rights, used by a workflow.
    pub(crate) fn in_workflow(self, workflow: InWorkflow) -> Self {
        Self { workflow: Some(workflow), ..self }
    }

    /// The workflow that acts, if it is one that does.
    #[must_use]
    pub const fn workflow(&self) -> Option<&InWorkflow> {
        self.workflow.as_ref()
    }

    /// The company it acts in.
    #[must_use]
    pub const fn company(&self) -> CompanyId {
        self.company
    }

    /// Whether it may do `permission`.
    #[must_use]
    pub fn can(&self, permission: Permission) -> bool {
        match &self.who {
            Who::Person { role, .. } => role.can(permission),
            Who::Key { scopes, .. } => scopes.iter().any(|scope| scope.allows(permission)),
            Who::System { .. } => true,
        }
    }

    /// Whether it is a part of the system, and nobody has asked it.
    #[must_use]
    pub const fn is_system(&self) -> bool {
        matches!(self.who, Who::System { .. })
    }

    /// Its name: of the person, of the key, or of the part of the system.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.who {
            Who::Person { name, .. } | Who::Key { name, .. } => name,
            Who::System { name } => name,
        }
    }

    /// The person, if it is one.
    #[must_use]
    pub const fn user_id(&self) -> Option<UserId> {
        match &self.who {
            Who::Person { id, .. } => Some(*id),
            _ => None,
        }
    }

    /// The key, if it is a program with one.
    #[must_use]
    pub const fn api_key_id(&self) -> Option<ApiKeyId> {
        match &self.who {
            Who::Key { id, .. } => Some(*id),
            _ => None,
        }
    }

    /// The scopes of the key; empty for others.
    #[must_use]
    pub fn scopes(&self) -> &[Scope] {
        match &self.who {
            Who::Key { scopes, .. } => scopes,
            _ => &[],
        }
    }

    /// The role, if it is a person.
    #[must_use]
    pub const fn role(&self) -> Option<Role> {
        match &self.who {
            Who::Person { role, .. } => Some(*role),
            _ => None,
        }
    }

    /// IANA time zone for what it reads: the person's, else the company's.
    #[must_use]
    pub fn time_zone(&self) -> &str {
        match &self.who {
            Who::Person { time_zone: Some(zone), .. } => zone,
            _ => &self.company_time_zone,
        }
    }

    /// IANA time zone of the company.
    #[must_use]
    pub fn company_time_zone(&self) -> &str {
        &self.company_time_zone
    }

    pub(crate) const fn who(&self) -> &Who {
        &self.who
    }

    pub(crate) const fn origin(&self) -> &Origin {
        &self.origin
    }
}

/// In words, as the audit log and timelines show it.
impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(workflow) = &self.workflow {
            return write!(f, "Workflow “{}”", workflow.name);
        }
        match &self.who {
            Who::Person { name, .. } => f.write_str(name),
            Who::Key { name, .. } => write!(f, "key {name}"),
            Who::System { name } => f.write_str(name),
        }?;
        self.run.as_ref().map_or(Ok(()), |run| write!(f, " with {}", run.agent))
    }
}
