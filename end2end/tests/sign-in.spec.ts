import { readFileSync } from "node:fs";

import { expect, signIn, test } from "./journey";

test("a wrong password says nothing about the account", async ({ page }) => {
  for (const email of ["nora@halden.example", "nobody@halden.example"]) {
    await page.goto("/login");
    await page.getByLabel("E-mail").fill(email);
    await page.getByLabel("Password").fill("not the password");
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByRole("alert")).toContainText("E-mail or password is not right.");
    await expect(page.getByLabel("E-mail")).toHaveValue(email);
  }
});

test("signing in leads to the company", async ({ page }) => {
  await signIn(page, "jonas@halden.example");
  await expect(page.getByRole("heading", { level: 1, name: "Home" })).toBeVisible();
});

test("a page asks for the sign-in first and comes back to it", async ({ page }) => {
  await page.goto("/t/halden/leads");
  await expect(page).toHaveURL(/\/login\?next=/);
});

test("a company of other people does not exist", async ({ page }) => {
  await signIn(page, "jonas@halden.example");
  await page.goto("/t/nordfjell/leads");
  await expect(page.getByText("does not exist")).toBeVisible();
});

test("a viewer is shown nothing that a viewer may not do", async ({ page }) => {
  await signIn(page, "viktor@halden.example");
  await page.goto("/t/halden/campaigns?view=running");
  await expect(page.getByRole("row").last()).toBeVisible();
  await expect(page.getByRole("link", { name: "New campaign" })).toHaveCount(0);
  await expect(page.getByRole("button", { name: "Pause" })).toHaveCount(0);
  await page.goto("/t/halden/leads");
  await expect(page.getByRole("row").last()).toBeVisible();
  await expect(page.getByRole("checkbox")).toHaveCount(0);
  for (const path of ["leads/new", "leads/import", "campaigns/new", "settings/company", "settings/mailboxes"]) {
    const answer = await page.goto(`/t/halden/${path}`);
    expect(answer?.status(), path).toBe(403);
    await expect(page.getByText("Not for your role")).toBeVisible();
  }
});

test("asking for an account says the same to everybody, and the mail goes on", async ({ page }, info) => {
  const address = `nia.${info.project.name}.${Date.now()}@newfirm.example`;
  for (const email of ["nora@halden.example", address]) {
    await page.goto("/login");
    await page.getByRole("link", { name: "Create a company" }).click();
    await page.getByLabel("Work e-mail").fill(email);
    await page.getByRole("button", { name: "Go on" }).click();
    await expect(page.getByText(`We have sent a mail to ${email}.`)).toBeVisible();
  }
  // Without a mail server the mail is told at the terminal of the installation.
  const link = () => {
    const [, mail] = readFileSync(process.env.SERVER_LOG ?? "", "utf8").split(`A mail to ${address}`);
    return mail?.match(/http\S+\/signup\/\S+/)?.[0];
  };
  await expect.poll(link).toBeTruthy();
  await page.goto(link() ?? "");
  await expect(page.getByText(address)).toBeVisible();
  await page.getByLabel("Your name").fill("Nia Rossi");
  await page.getByLabel("Password").fill("correct horse battery");
  await page.getByLabel("Company name").fill("New firm");
  await page.getByRole("button", { name: "Create company" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Home" })).toBeVisible();
  await page.goto("/signup/bm90LWEtbGluaw");
  await expect(page.getByText("This link has ended")).toBeVisible();
});
