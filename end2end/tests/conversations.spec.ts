import { answer, expect, hydrated, signIn, test } from "./journey";

test("a person talks to an agent, which asks for what it needs", async ({ page }, info) => {
  test.setTimeout(120_000);
  const words = `Who are you, ${info.project.name}?`;
  await signIn(page);
  await page.goto("/t/halden/agents");
  await page.getByRole("link", { name: "copywriter", exact: true }).click();
  await page.getByRole("link", { name: "Talk to it" }).click();
  await expect(page.getByRole("heading", { name: "Talk to an agent" })).toBeVisible();
  await hydrated(page);
  await page.getByLabel("Message").fill(words);
  await page.getByRole("button", { name: "Send" }).click();
  await page.waitForURL(/\/conversations\/[0-9a-f-]{36}/);
  await expect(page.getByRole("heading", { level: 1, name: words })).toBeVisible();

  // The answer comes from a worker; without scripts the page asks for it again.
  const talk = page.getByRole("list", { name: "Messages" });
  await expect(async () => {
    if (info.project.name === "no-js") await page.reload();
    await expect(talk.getByText("Built-in writer", { exact: true })).toBeVisible({ timeout: 1500 });
  }).toPass({ timeout: 60_000 });
  await expect(talk.getByRole("listitem").filter({ hasText: "Topic" }).first()).toBeVisible();

  await hydrated(page);
  await answer(page, /^Delete conversation/);
  await page.waitForURL(/\/conversations\?/);
  await expect(page.getByRole("link", { name: words })).toHaveCount(0);
});
