//! The browser's way in: hydrates [`app::App`]. Built for wasm only.
#![cfg(target_arch = "wasm32")]

/// Called by the page's script.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    app::hydrate();
}
