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
