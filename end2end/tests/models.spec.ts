import type { Page } from "@playwright/test";
import { expect, hydrated, signIn, test } from "./journey";

// With scripts the page changes by itself; without them somebody loads it again.
async function tells(page: Page, project: string, name: string, words: RegExp) {
  const model = page.locator("section.card").filter({ has: page.getByRole("heading", { name, exact: true }) });
  if (project !== "no-js") return expect(model).toContainText(words, { timeout: 30_000 });
  await expect(async () => {
    await page.reload();
    await expect(model).toContainText(words, { timeout: 500 });
  }).toPass({ timeout: 30_000 });
}

test("a model is added, tested, changed, disabled and removed", async ({ page }, info) => {
  const name = `Local ${info.project.name} ${Date.now()}`;
  await signIn(page);
  await page.goto("/t/halden/settings/models");
  await hydrated(page);
  await expect(page.getByText("the built-in writer follows the playbooks of agents")).toBeVisible();
  await page.getByLabel("Kind", { exact: true }).selectOption("ollama");
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel(/^Address \(optional\)/).fill("http://127.0.0.1:9");
  await page.getByLabel("Price of a million tokens sent").fill("much");
  await page.getByRole("button", { name: "Add model" }).click();
  await expect(page.getByRole("heading", { name: "There is a problem" })).toBeVisible();
  await expect(page.getByText("Enter the name that the provider gives the model").first()).toBeVisible();
  await expect(page.getByText("Enter US dollars for a million tokens").first()).toBeVisible();
  await expect(page.getByLabel("Name", { exact: true })).toHaveValue(name);
  await page.getByLabel("Model", { exact: true }).fill("gemma3");
  await page.getByLabel("Price of a million tokens sent").fill("0.25");
  await page.getByRole("button", { name: "Add model" }).click();
  await expect(page.getByText("Model added. It is being tested.")).toBeVisible();
  await expect(page.getByLabel("Name", { exact: true })).toHaveValue("");
  // Nobody listens there, and an installation may not allow it to be asked at all.
  const silent = /Does not answer: (It can't be reached|The address is in a private network)/;
  await tells(page, info.project.name, name, silent);
  const model = page.locator("section.card").filter({ has: page.getByRole("heading", { name, exact: true }) });
  await expect(model).toContainText("Ollama, gemma3");
  await expect(model).toContainText("$0.25 in, $0 out");
  await expect(model).toContainText("None");

  await hydrated(page);
  await page.getByRole("button", { name: `Test: ${name}` }).click();
  await expect(page.getByText("The model is being tested.")).toBeVisible();
  await tells(page, info.project.name, name, silent);

  await hydrated(page);
  await page.getByRole("link", { name: `Change ${name}` }).click();
  await expect(page.getByRole("heading", { name: `Change ${name}` })).toBeVisible();
  await hydrated(page);
  await expect(page.getByLabel("Model", { exact: true })).toHaveValue("gemma3");
  await page.getByLabel("Model", { exact: true }).fill("gemma3:27b");
  await page.getByRole("button", { name: "Save model" }).click();
  await expect(page.getByText("Model saved. It is being tested.")).toBeVisible();
  await expect(model).toContainText("Ollama, gemma3:27b");
  await expect(page.getByLabel("Model", { exact: true })).toHaveValue("");

  await hydrated(page);
  await page.getByRole("button", { name: `Disable: ${name}` }).click();
  await expect(page.getByText("Model disabled. It is not asked.")).toBeVisible();
  await expect(model).toContainText("Not asked");
  await hydrated(page);
  await model.locator("summary").click();
  await page.getByRole("button", { name: `Remove model ${name}` }).click();
  await expect(page.getByText("Model removed.")).toBeVisible();
  await expect(page.getByRole("heading", { name, exact: true })).toHaveCount(0);
});

test("the secret of the webhook is shown once", async ({ page }, info) => {
  const address = `https://hooks.example.com/${info.project.name}`;
  await signIn(page);
  await page.goto("/t/halden/settings/models");
  await hydrated(page);
  await page.getByLabel("Address of the webhook").fill("http://hooks.example.com");
  await page.getByRole("button", { name: "Connect webhook" }).click();
  await expect(page.getByText("Use https: what is sent there must not be read on the way.").first()).toBeVisible();
  await hydrated(page);
  await page.getByLabel("Address of the webhook").fill(address);
  await page.getByRole("button", { name: "Connect webhook" }).click();
  const secret = (await page.locator("#secret").textContent())!;
  expect(secret).toMatch(/^whsec_/);
  await page.getByRole("link", { name: "I have copied it" }).click();
  await expect(page.getByText(address, { exact: true })).toBeVisible();
  expect(await page.content()).not.toContain(secret);
  await hydrated(page);
  const webhook = page.locator("section.card").filter({ has: page.getByRole("heading", { name: "Webhook of agents" }) });
  await webhook.locator("summary").click();
  await page.getByRole("button", { name: "Remove webhook" }).click();
  await expect(page.getByText("Webhook removed.")).toBeVisible();
  await expect(page.getByText(address, { exact: true })).toHaveCount(0);
});

test("who may not manage agents does not see the models", async ({ page }) => {
  await signIn(page, "viktor@halden.example");
  await page.goto("/t/halden/settings/models");
  await expect(page.getByRole("heading", { name: "Not for your role" })).toBeVisible();
  await expect(page.getByText(/can’t manage agents/)).toBeVisible();
});
