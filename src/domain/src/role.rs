//! Who may do what: one table, asked by the pages and by the service alike.

use crate::wire::wire_enum;

wire_enum! {
    /// The part a person has in a company.
    pub enum Role {
        /// Everything, and the company itself.
        Owner = "owner",
        /// Everything but the company itself.
        Admin = "admin",
        /// Leads and campaigns of everybody.
        Manager = "manager",
        /// Own leads, and campaigns up to their start.
        Member = "member",
        /// Looks, changes nothing.
        Viewer = "viewer",
    }
}

wire_enum! {
    /// Something a person or a program may be allowed to do.
    pub enum Permission {
        /// See leads, accounts, campaigns and their figures.
        Read = "read",
        /// Create and edit leads, notes and accounts.
        EditLeads = "edit_leads",
        /// Import leads.
        ImportLeads = "import_leads",
        /// Change or delete leads of other people, and many at once.
        ManageAllLeads = "manage_all_leads",
        /// Create and edit campaigns, send test mails.
        EditCampaigns = "edit_campaigns",
        /// Start, schedule, resume and stop campaigns.
        RunCampaigns = "run_campaigns",
        /// Pause a campaign that one created.
        PauseOwnCampaigns = "pause_own_campaigns",
        /// Mailboxes.
        ManageMailboxes = "manage_mailboxes",
        /// The suppression list.
        ManageSuppressions = "manage_suppressions",
        /// Agents: which there are, and what they are told.
        ManageAgents = "manage_agents",
        /// Run agents and cancel one's runs; what a run does needs its own rights.
        RunAgents = "run_agents",
        /// Approve and deny what runs ask for.
        DecideRuns = "decide_runs",
        /// Approve, reject and send back drafts of campaigns.
        ApproveDrafts = "approve_drafts",
        /// Members and invitations.
        ManageMembers = "manage_members",
        /// API keys.
        ManageKeys = "manage_keys",
        /// Read the audit log.
        ReadAudit = "read_audit",
        /// Name, address and time zone of the company.
        ManageCompany = "manage_company",
        /// Hand the company to somebody else, or end it.
        OwnCompany = "own_company",
    }
}

impl Role {
    /// Whether this role may do `permission`.
    #[must_use]
    pub const fn can(self, permission: Permission) -> bool {
        self.rank() >= permission.least_role().rank()
    }

    /// The roles this role may give to others: none above its own.
    #[must_use]
    pub fn may_grant(self, other: Self) -> bool {
        self.can(Permission::ManageMembers) && other.rank() <= self.rank()
    }

    /// The word people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Owner => "Owner",
            Self::Admin => "Admin",
            Self::Manager => "Manager",
            Self::Member => "Member",
            Self::Viewer => "Viewer",
        }
    }

    const fn rank(self) -> u8 {
        match self {
            Self::Viewer => 0,
            Self::Member => 1,
            Self::Manager => 2,
            Self::Admin => 3,
            Self::Owner => 4,
        }
    }
}

impl Permission {
    /// The lowest role that has it; every higher role has it too.
    #[must_use]
    pub const fn least_role(self) -> Role {
        match self {
            Self::Read => Role::Viewer,
            Self::EditLeads | Self::ImportLeads | Self::EditCampaigns | Self::PauseOwnCampaigns | Self::RunAgents => {
                Role::Member
            }
            Self::ManageAllLeads | Self::RunCampaigns | Self::DecideRuns | Self::ApproveDrafts => Role::Manager,
            Self::ManageMailboxes
            | Self::ManageSuppressions
            | Self::ManageAgents
            | Self::ManageMembers
            | Self::ManageKeys
            | Self::ReadAudit
            | Self::ManageCompany => Role::Admin,
            Self::OwnCompany => Role::Owner,
        }
    }

    /// What it allows, as people read it in “Your role can't …”.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Read => "see this",
            Self::EditLeads => "change leads",
            Self::ImportLeads => "import leads",
            Self::ManageAllLeads => "change leads of other people",
            Self::EditCampaigns => "change campaigns",
            Self::RunCampaigns => "start, resume or stop campaigns",
            Self::PauseOwnCampaigns => "pause campaigns",
            Self::ManageMailboxes => "manage mailboxes",
            Self::ManageSuppressions => "manage the suppression list",
            Self::ManageAgents => "manage agents",
            Self::RunAgents => "run agents",
            Self::DecideRuns => "approve or deny what a run asks for",
            Self::ApproveDrafts => "approve or reject drafts",
            Self::ManageMembers => "manage members",
            Self::ManageKeys => "manage API keys",
            Self::ReadAudit => "see the audit log",
            Self::ManageCompany => "change company settings",
            Self::OwnCompany => "hand over the company",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_permission_table() {
        let table: Vec<String> = Permission::ALL
            .iter()
            .map(|permission| {
                let marks: String =
                    Role::ALL.iter().map(|role| if role.can(*permission) { 'x' } else { '.' }).collect();
                format!("{marks} {permission}")
            })
            .collect();
        //          owner, admin, manager, member, viewer
        assert_eq!(
            table,
            [
                "xxxxx read",
                "xxxx. edit_leads",
                "xxxx. import_leads",
                "xxx.. manage_all_leads",
                "xxxx. edit_campaigns",
                "xxx.. run_campaigns",
                "xxxx. pause_own_campaigns",
                "xx... manage_mailboxes",
                "xx... manage_suppressions",
                "xx... manage_agents",
                "xxxx. run_agents",
                "xxx.. decide_runs",
                "xxx.. approve_drafts",
                "xx... manage_members",
                "xx... manage_keys",
                "xx... read_audit",
                "xx... manage_company",
                "x.... own_company",
            ]
        );
    }

    #[test]
    fn nobody_grants_a_role_above_their_own() {
        assert!(Role::Admin.may_grant(Role::Admin));
        assert!(!Role::Admin.may_grant(Role::Owner));
        assert!(!Role::Manager.may_grant(Role::Viewer));
    }
}
