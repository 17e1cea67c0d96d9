import type { Page } from "@playwright/test";
import { answer, expect, hydrated, signIn, test } from "./journey";

// With scripts the page changes by itself; without them somebody loads it again.
async function tells(page: Page, project: string, words: RegExp) {
  const main = page.getByRole("main");
  if (project !== "no-js") return expect(main).toContainText(words, { timeout: 30_000 });
  await expect(async () => {
    await page.reload();
    await expect(main).toContainText(words, { timeout: 500 });
  }).toPass({ timeout: 30_000 });
}

test("a connector is added, tested, paused, changed and removed", async ({ page }, info) => {
  const name = `c${info.project.name.replace(/[^a-z]/g, "").slice(0, 10)}${Date.now()}`;
  await signIn(page);
  await page.goto("/t/halden/settings/connectors");
  await hydrated(page);
  await page.getByLabel("Name", { exact: true }).fill("Not A Name");
  await page.getByLabel("Address", { exact: true }).fill("http://127.0.0.1:9/mcp");
  await page.getByRole("button", { name: "Add connector" }).click();
  await expect(page.getByRole("heading", { name: "There is a problem" })).toBeVisible();
  await expect(page.getByText("Enter 1 to 30 lower-case letters").first()).toBeVisible();
  await expect(page.getByLabel("Address", { exact: true })).toHaveValue("http://127.0.0.1:9/mcp");
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByRole("button", { name: "Add connector" }).click();
  await expect(page.getByText("Connector added.")).toBeVisible();
  await expect(page.getByRole("heading", { name, exact: true })).toBeVisible();
  // Nobody listens there, and an installation may not allow it to be asked at all.
  await tells(page, info.project.name, /Does not answer: (connection|address):/);

  await hydrated(page);
  await page.getByRole("button", { name: "Test connection" }).click();
  await expect(page.getByText("The server is being asked for its tools.")).toBeVisible();
  await hydrated(page);
  await page.getByRole("button", { name: "Pause", exact: true }).click();
  await expect(page.getByText("Connector paused.")).toBeVisible();
  await hydrated(page);
  await page.getByRole("link", { name: "Change", exact: true }).click();
  await expect(page.getByRole("heading", { name: `Change ${name}` })).toBeVisible();
  await hydrated(page);
  await page.getByLabel("Calls in a minute, at most").fill("5");
  await page.getByRole("button", { name: "Save connector" }).click();
  await expect(page.getByText("Connector saved.")).toBeVisible();
  await expect(page.getByText("5 calls in a minute, 30 seconds each")).toBeVisible();
  await hydrated(page);
  await expect(page.getByText("No agent lists its tools.")).toHaveCount(1);
  await answer(page, /^Remove connector/);
  await expect(page.getByText("Connector removed.")).toBeVisible();
  await expect(page.getByRole("heading", { name, exact: true })).toHaveCount(0);
});

test("a preset fills the form", async ({ page }) => {
  await signIn(page);
  await page.goto("/t/halden/settings/connectors");
  await hydrated(page);
  await page.getByRole("link", { name: "Gmail" }).click();
  await expect(page.getByLabel("Name", { exact: true })).toHaveValue("gmail");
  await expect(page.getByText("/connectors/oauth/callback")).toBeVisible();
  await expect(page.getByRole("link", { name: "What Gmail says of its server" })).toBeVisible();
  await hydrated(page);
  await page.getByRole("link", { name: "A command" }).click();
  await expect(page.getByText("SALESWRIGHT_MCP_COMMANDS")).toBeVisible();
});
