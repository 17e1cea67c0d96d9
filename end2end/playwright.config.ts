import { defineConfig } from "@playwright/test";
import { existsSync } from "node:fs";

// The browser of the machine: test tools bring their own only by download.
const executablePath = ["/usr/bin/chromium", "/usr/bin/google-chrome"].find(existsSync);

const launchOptions = {
  executablePath,
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
};

export default defineConfig({
  testDir: "tests",
  workers: 1,
  timeout: 60_000,
  reporter: "list",
  use: { actionTimeout: 15_000, baseURL: process.env.BASE_URL ?? "http://127.0.0.1:3000", launchOptions },
  projects: [
    { name: "desktop", use: { viewport: { width: 1440, height: 900 } } },
    // What no browser takes part in runs once.
    { name: "no-js", testIgnore: "api.spec.ts", use: { viewport: { width: 1440, height: 900 }, javaScriptEnabled: false } },
    { name: "phone", testIgnore: "api.spec.ts", use: { viewport: { width: 390, height: 844 }, hasTouch: true } },
  ],
});
