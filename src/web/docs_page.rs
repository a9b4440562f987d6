//! The Swagger page: the framework's embedded Swagger UI, pointed at our finished document.

/// Turns the framework's page into one that loads `/openapi.json` (instead of the unfinished document that it holds
/// inline), keeps the key over reloads and lets "Try it out" be used at once.
///
/// # Errors
/// The framework's page has another form than the one known: a test sees it when the version changes.
pub fn swagger_page(framework_page: &str) -> Result<String, UnknownPage> {
    let (before, rest) = framework_page.split_once("let spec = ").ok_or(UnknownPage)?;
    let (_inline, after) = rest.split_once("let oauth2RedirectUrl;").ok_or(UnknownPage)?;
    let page = format!("{before}let oauth2RedirectUrl;{after}");
    if !page.contains("spec: spec,") || !page.contains("<title>Swagger UI</title>") {
        return Err(UnknownPage);
    }
    Ok(format!("<!doctype html>{page}")
        .replace("<title>Swagger UI</title>", "<title>Pidima API</title>")
        .replace(
            "spec: spec,",
            "url: '/openapi.json', persistAuthorization: true, tryItOutEnabled: true, displayRequestDuration: true,",
        ))
}

/// The embedded page is not of the known form.
#[derive(Debug, thiserror::Error)]
#[error("the embedded Swagger page has another form than expected")]
pub struct UnknownPage;
