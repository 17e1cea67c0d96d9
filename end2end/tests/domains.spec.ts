import { answer, expect, hydrated, signIn, test } from "./journey";

test("a domain is added, signs with a key that is made here, and shows the record to copy", async ({ page }, info) => {
  const name = `${info.project.name}-${Date.now()}.example`;
  await signIn(page);
  await page.goto("/t/halden/settings/domains");
  await hydrated(page);
  await page.getByRole("textbox", { name: "Domain" }).fill("not a domain");
  await page.getByRole("button", { name: "Add domain" }).click();
  await expect(page.getByText("Enter a domain, as in example.com").first()).toBeVisible();
  await page.getByRole("textbox", { name: "Domain" }).fill(name);
  await page.getByRole("button", { name: "Add domain" }).click();
  await expect(page.getByText("Domain added. Its records are being checked.")).toBeVisible();
  await expect(page.getByText("E-mails of this domain are not signed here.")).toBeVisible();

  await hydrated(page);
  await page.getByLabel("Who signs").selectOption("own_key");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Paste the private key").first()).toBeVisible();
  await page.getByLabel("Who signs").selectOption("new_key");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Saved. Publish the record below, then check again.")).toBeVisible();
  await expect(page.getByText(`sw1._domainkey.${name}`).first()).toBeVisible();
  await expect(page.getByText("v=DKIM1; k=rsa; p=").first()).toBeVisible();

  await hydrated(page);
  await page.getByRole("button", { name: "Check now" }).click();
  await expect(page.getByText("The records are being checked.")).toBeVisible();
  await hydrated(page);
  await answer(page.locator("section.card").filter({ hasText: "DKIM signature" }), /^Forget key and selector/);
  await expect(page.getByText("The key is forgotten.")).toBeVisible();
  await hydrated(page);
  await answer(page.locator("section.card").filter({ hasText: "Check now" }), /^Remove domain/);
  await expect(page.getByText("Domain removed.")).toBeVisible();
  await expect(page).toHaveTitle("Domains · Saleswright");
  await expect(page.getByText(name)).toHaveCount(0);
});
