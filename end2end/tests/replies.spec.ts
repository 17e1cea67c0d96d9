import { expect, hydrated, signIn, test } from "./journey";

test("a caught mail is answered in the place of its recipient, and the lead shows the reply", async ({ page }, info) => {
  const words = `Call me on Monday, ${info.project.name} ${Date.now()}.`;
  await signIn(page);
  // The demo sends by itself; some recipients answer by themselves, this one does not.
  await expect(async () => {
    await page.goto("/t/halden/sandbox");
    await expect(page.getByRole("row").filter({ hasText: /[^+]lead\d+@/ }).first()).toBeVisible({ timeout: 1000 });
  }).toPass();
  const row = page.getByRole("row").filter({ hasText: /[^+]lead\d+@/ }).first();
  const address = (await row.textContent())!.match(/lead\d+@[a-z-]+\.example/)![0];
  await row.getByRole("link").click();
  await expect(page.getByRole("heading", { name: /^Reply as / })).toBeVisible();
  await hydrated(page);

  await page.getByRole("button", { name: "Send reply" }).click();
  await expect(page.getByText("Write what they answer.").first()).toBeVisible();
  await page.getByLabel("Text", { exact: true }).fill(words);
  await page.getByRole("button", { name: "Send reply" }).click();
  await expect(page.getByText("Answered. The page of the lead shows what came of it.")).toBeVisible();

  await page.goto(`/t/halden/leads?q=${encodeURIComponent(address)}`);
  await page.getByRole("region", { name: "Leads table" }).getByRole("cell").getByRole("link").first().click();
  const reply = page.getByRole("article").filter({ hasText: words });
  await expect(reply.getByRole("heading", { name: /^Reply/ })).toBeVisible();
  await reply.getByText("Quoted text").click();
  await expect(reply).toContainText("wrote:");
});
