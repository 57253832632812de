// Commands with this server's address, and a button to copy each.

const insecure = location.protocol === "https:" ? "-k " : "";

for (const box of document.querySelectorAll(".command")) {
  const code = box.querySelector("code");
  code.textContent = code.textContent.replace("{origin}", location.origin).replace("{k}", insecure)
    .replace("--http2 http:", "--http2-prior-knowledge http:");
  // there is no clipboard on pages that are not secure
  if (!navigator.clipboard) continue;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.setAttribute("aria-label", `Copy: ${code.textContent}`);
  button.onclick = async () => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Not allowed";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  };
  box.append(button);
}
