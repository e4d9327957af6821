// Shows the reference of the document that the page names. Nothing here asks another host.
const place = document.getElementById("reference");

Scalar.createApiReference(place, {
  url: place.dataset.document,
  persistAuth: true,
  authentication: { preferredSecurityScheme: "bearer" },
  hiddenClients: true,
  documentDownloadType: "none",
  showDeveloperTools: "never",
  hideClientButton: true,
  withDefaultFonts: false,
  telemetry: false,
  agent: { disabled: true },
  mcp: { disabled: true },
});
