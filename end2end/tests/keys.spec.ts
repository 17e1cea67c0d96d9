import { expect, hydrated, signIn, test } from "./journey";

// A key is made in the browser and used by a program; then it is revoked.
test("an API key is shown once, works, and ends", async ({ page, request }) => {
  const name = `Program ${Date.now()}`;
  await signIn(page);
  await page.goto("/t/halden/settings/keys");
  await hydrated(page);
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Read leads and accounts").check();
  await page.getByRole("button", { name: "Create key" }).click();
  const secret = (await page.locator("#secret").textContent())!;
  expect(secret).toMatch(/^sw_live_/);

  const headers = { Authorization: `Bearer ${secret}` };
  const leads = await request.get("/api/v1/leads?per=2", { headers });
  expect(leads.status()).toBe(200);
  expect((await leads.json()).items).toHaveLength(2);
  expect((await request.post("/api/v1/leads", { headers, data: { email: "a@b.example" } })).status()).toBe(403);

  await page.getByRole("link", { name: "I have copied it" }).click();
  await expect(page.getByText(name, { exact: true }).first()).toBeVisible();
  expect(await page.content()).not.toContain(secret);
  await hydrated(page);
  const row = page.getByRole("listitem").filter({ hasText: name });
  await row.locator("summary").click();
  await row.getByRole("button", { name: `Revoke ${name}` }).click();
  await expect(page.getByText("The key is revoked.")).toBeVisible();
  expect((await request.get("/api/v1/leads", { headers })).status()).toBe(401);
});

test("a key without a scope is not made", async ({ page }) => {
  await signIn(page);
  await page.goto("/t/halden/settings/keys");
  await hydrated(page);
  await page.getByLabel("Name").fill("Useless");
  await page.getByRole("button", { name: "Create key" }).click();
  await expect(page.getByText("Choose what the key may do.").first()).toBeVisible();
  await expect(page.getByLabel("Name")).toHaveValue("Useless");
});
