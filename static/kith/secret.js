// Copies a key on request, and lets a reload lead to the key's page: the key itself is in this one answer only.
"use strict";

const page = document.querySelector("[data-page]");
history.replaceState(null, "", page.dataset.page);

function select(element) {
  const range = document.createRange();
  range.selectNodeContents(element);
  const selection = getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
}

async function copy(element) {
  select(element);
  // The clipboard of the browser needs HTTPS or localhost; the older command does not.
  if (navigator.clipboard) await navigator.clipboard.writeText(element.textContent);
  else if (!document.execCommand("copy")) throw new Error("not copied");
}

for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    const label = button.lastElementChild;
    try {
      await copy(document.getElementById(button.dataset.copy));
      label.textContent = "Copied";
    } catch {
      label.textContent = "Press Ctrl-C";
    }
  });
}
