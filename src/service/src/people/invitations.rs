//! Invitations: a link by mail, for one address, for seven days, once.

use chrono::{DateTime, Duration, Utc};
use domain::{
    CompanyId, EmailAddress, InvitationId, Permission, Problem, Role, UserId,
    companies::{Invitation, Membership, Person},
};

use super::{NewPerson, People};
use crate::{Error, Origin, Result, Tenant, audit::Entry, error::OnConstraint, secrets};

/// How long a link works.
const VALID: Duration = Duration::days(7);

/// The invitations of the company.
#[derive(Debug)]
pub struct Invitations<'t> {
    t: &'t mut Tenant,
}

/// An invitation as the invited person sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenInvitation {
    /// Name of the company.
    pub company: String,
    /// Its slug.
    pub slug: String,
    /// Who is invited.
    pub email: EmailAddress,
    /// To what.
    pub role: Role,
    /// By whom.
    pub invited_by: String,
    /// Whether the link works.
    pub state: InvitationState,
}

/// Whether a link works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvitationState {
    /// It does.
    Open,
    /// It is too old, or was taken back.
    Expired,
    /// It was used.
    Used,
}

/// Who accepts.
#[derive(Clone, Debug)]
pub enum Accept {
    /// Somebody who gets an account with this name and password.
    New {
        /// Name.
        name: String,
        /// Password.
        password: String,
    },
    /// Somebody who is signed in.
    As(UserId),
}

impl Tenant {
    /// The invitations of the company.
    pub fn invitations(&mut self) -> Invitations<'_> {
        Invitations { t: self }
    }
}

impl Invitations<'_> {
    /// Open invitations, the newest first.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the right to manage members.
    pub async fn list(&mut self) -> Result<Vec<Invitation>> {
        self.t.require(Permission::ManageMembers).await?;
        Ok(sqlx::query_as!(
            Invitation,
            r#"
            SELECT i.id AS "id: InvitationId", i.email AS "email: EmailAddress", i.role AS "role: Role",
                   u.name AS invited_by, i.created_at, i.expires_at, i.accepted_at, i.revoked_at
            FROM invitations i JOIN users u ON u.id = i.invited_by
            WHERE i.accepted_at IS NULL AND i.revoked_at IS NULL
            ORDER BY i.created_at DESC
            "#
        )
        .fetch_all(self.t.conn())
        .await?)
    }

    /// Invites an address and queues the mail.
    ///
    /// # Errors
    /// A wrong address; a member already; an open invitation already; a role above the own.
    pub async fn invite(&mut self, email: &str, role: Role) -> Result<()> {
        self.t.members().may_grant(role).await?;
        let email = EmailAddress::parse(email).map_err(|p| p.on("email"))?;
        let Some(by) = self.t.actor().user_id() else { return Err(Error::Forbidden(Permission::ManageMembers)) };
        if self.t.members().list().await?.iter().any(|m| m.email == email) {
            return Err(Problem::field("email", "member_already", "This person is a member already.").into());
        }
        let (token, hash) = secrets::new_token();
        let (id, now): (InvitationId, _) = (self.t.new_id(), self.t.now());
        sqlx::query!(
            "INSERT INTO invitations (id, email, role, token_hash, invited_by, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            id.0,
            email.as_str(),
            role.as_str(),
            hash,
            by.0,
            now,
            now + VALID,
        )
        .execute(self.t.conn())
        .await
        .on_constraint("invitations_open_key", || {
            Problem::field("email", "invited_already", "This person has an open invitation. Send it again instead.")
                .into()
        })?;
        self.mail(&email, role, &token).await?;
        self.t.audit().record(Entry::done("invitation.sent").on(email.as_str()).details(role.label())).await
    }

    /// Sends an invitation again, with a new link; the old one ends.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn resend(&mut self, id: InvitationId) -> Result<()> {
        self.t.require(Permission::ManageMembers).await?;
        let (token, hash) = secrets::new_token();
        let now = self.t.now();
        let row = sqlx::query!(
            r#"UPDATE invitations SET token_hash = $2, expires_at = $3
               WHERE id = $1 AND accepted_at IS NULL AND revoked_at IS NULL
               RETURNING email AS "email: EmailAddress", role AS "role: Role""#,
            id.0,
            hash,
            now + VALID,
        )
        .fetch_optional(self.t.conn())
        .await?
        .ok_or(Error::NotFound("invitation"))?;
        self.mail(&row.email, row.role, &token).await?;
        self.t.audit().record(Entry::done("invitation.sent_again").on(row.email.as_str())).await
    }

    /// Takes an invitation back.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn revoke(&mut self, id: InvitationId) -> Result<()> {
        self.t.require(Permission::ManageMembers).await?;
        let now = self.t.now();
        let email = sqlx::query_scalar!(
            "UPDATE invitations SET revoked_at = $2 WHERE id = $1 AND accepted_at IS NULL AND revoked_at IS NULL
             RETURNING email",
            id.0,
            now
        )
        .fetch_optional(self.t.conn())
        .await?
        .ok_or(Error::NotFound("invitation"))?;
        self.t.audit().record(Entry::done("invitation.revoked").on(email)).await
    }

    async fn mail(&mut self, email: &EmailAddress, role: Role, token: &str) -> Result<()> {
        let company = self.t.company().await?;
        let link = format!("{}/invite/{token}", self.t.db().settings().public_url);
        let by = self.t.actor().to_string();
        let subject = format!("{by} invites you to {}", company.name);
        let body = format!(
            "Hello,\n\n{by} invites you to work with {} on Saleswright, as {}.\n\nJoin here within seven days:\n{link}\n\n\
             If you did not expect this, you can ignore it. Nothing happens.\n",
            company.name,
            role.label()
        );
        self.t.queue_system_mail(email, &subject, &body).await
    }
}

struct Found {
    id: InvitationId,
    company: CompanyId,
    page: OpenInvitation,
}

impl People<'_> {
    /// What a link is for.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a link that is not ours.
    pub async fn invitation(&self, token: &str) -> Result<OpenInvitation> {
        Ok(self.find_invitation(token).await?.page)
    }

    /// Joins the company. Somebody who is signed in must have the invited address.
    ///
    /// # Errors
    /// A link that does not work any more; another address; problems of name and password;
    /// [`Error::TooMany`] when one network address asks too often.
    pub async fn accept_invitation(&self, token: &str, accept: Accept, origin: Origin) -> Result<(Person, Membership)> {
        let found = self.find_invitation(token).await?;
        if found.page.state != InvitationState::Open {
            return Err(Error::conflict(
                "invitation_ended",
                format!("This invitation has ended. Ask {} for a new one.", found.page.invited_by),
            ));
        }
        let person = match accept {
            Accept::As(id) => self.person(id).await?,
            Accept::New { name, password } => {
                self.take_host(&origin).await?;
                self.create_user(NewPerson { name, email: found.page.email.to_string(), password }).await?
            }
        };
        if person.email != found.page.email {
            return Err(Error::conflict(
                "other_address",
                format!("This invitation is for {}. Sign in with that address.", found.page.email.masked()),
            ));
        }
        let actor = self.db.platform().system_actor(found.company, "invitation").await?;
        let mut t = self.db.tenant(&actor).await?;
        let now = t.now();
        let ours = sqlx::query!(
            "UPDATE invitations SET accepted_at = $2 WHERE id = $1 AND accepted_at IS NULL AND revoked_at IS NULL",
            found.id.0,
            now
        )
        .execute(t.conn())
        .await?
        .rows_affected();
        if ours == 0 {
            return Err(Error::conflict("invitation_ended", "This invitation has ended."));
        }
        t.members().add(person.id, found.page.role).await?;
        t.commit().await?;
        let (actor, membership, person) = self.actor(person.id, &found.page.slug, origin).await?;
        let mut t = self.db.tenant(&actor).await?;
        t.audit().record(Entry::done("invitation.accepted").on(person.email.as_str())).await?;
        t.commit().await?;
        Ok((person, membership))
    }

    async fn find_invitation(&self, token: &str) -> Result<Found> {
        let now = self.db.clock().now();
        let row = sqlx::query!(
            r#"SELECT id AS "id!: InvitationId", company_id AS "company!: CompanyId", company_name AS "name!",
                      slug AS "slug!", email AS "email!: EmailAddress", role AS "role!: Role",
                      invited_by AS "invited_by!", expires_at AS "expires_at!", accepted_at, revoked_at
               FROM platform_invitation($1)"#,
            secrets::hash_token(token)
        )
        .fetch_optional(self.db.pool())
        .await?
        .ok_or(Error::NotFound("invitation"))?;
        let state = state(row.expires_at, row.accepted_at, row.revoked_at, now);
        Ok(Found {
            id: row.id,
            company: row.company,
            page: OpenInvitation {
                company: row.name,
                slug: row.slug,
                email: row.email,
                role: row.role,
                invited_by: row.invited_by,
                state,
            },
        })
    }
}

fn state(
    expires: DateTime<Utc>,
    accepted: Option<DateTime<Utc>>,
    revoked: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> InvitationState {
    match (accepted, revoked) {
        (Some(_), _) => InvitationState::Used,
        (None, Some(_)) => InvitationState::Expired,
        (None, None) if expires <= now => InvitationState::Expired,
        _ => InvitationState::Open,
    }
}
