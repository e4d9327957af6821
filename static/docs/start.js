// Copies the text that a button names, and says so.
for (const button of document.querySelectorAll("button[data-copies]")) {
  button.addEventListener("click", async () => {
    const text = document.getElementById(button.dataset.copies).textContent;
    const told = document.querySelector(".told");
    try {
      await navigator.clipboard.writeText(text);
      told.textContent = "Copied.";
    } catch {
      // Without HTTPS a browser keeps the clipboard to itself: the text is marked for Ctrl+C instead.
      getSelection().selectAllChildren(document.getElementById(button.dataset.copies));
      told.textContent = "Marked: press Ctrl+C to copy.";
    }
  });
}
