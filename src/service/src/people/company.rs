//! The settings of a company.

use domain::{
    CompanyId, Permission, Problem,
    accounts::{check_country, clean},
    companies::{Company, CompanyChange, check_name},
    problem::Problems,
    window::is_time_zone,
};

use crate::{Result, Tenant, audit::Entry};

impl Tenant {
    /// The company.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn company(&mut self) -> Result<Company> {
        Ok(sqlx::query_as!(
            Company,
            r#"SELECT id AS "id: CompanyId", name, slug, time_zone, country, postal_address, asks_for_basis
               FROM companies"#
        )
        .fetch_one(self.conn())
        .await?)
    }

    /// Changes the settings of the company; what is absent stays.
    ///
    /// # Errors
    /// Problems of the input.
    pub async fn update_company(&mut self, change: CompanyChange) -> Result<Company> {
        self.require(Permission::ManageCompany).await?;
        let mut problems = Problems::new();
        let name = change.name.and_then(|name| problems.check("name", check_name(&name, 100)));
        let country = problems.check("country", check_country(change.country)).flatten();
        if change.time_zone.as_ref().is_some_and(|zone| !is_time_zone(zone)) {
            problems.push(Problem::field("time_zone", "time_zone_unknown", "Choose a time zone from the list."));
        }
        let address = clean(change.postal_address);
        if address.as_ref().is_some_and(|a| a.chars().count() > 500) {
            problems.push(Problem::field("postal_address", "text_long", "Use at most 500 characters."));
        }
        problems.finish()?;
        sqlx::query!(
            "UPDATE companies SET name = coalesce($1, name), time_zone = coalesce($2, time_zone),
                 country = coalesce($3, country), postal_address = coalesce($4, postal_address),
                 asks_for_basis = coalesce($5, asks_for_basis)",
            name,
            change.time_zone,
            country,
            address,
            change.asks_for_basis,
        )
        .execute(self.conn())
        .await?;
        self.audit().record(Entry::done("company.changed")).await?;
        self.company().await
    }
}
