// What pages do beyond links and forms, all of which work without it.
"use strict";

document.querySelector("[aria-current='page']")?.scrollIntoView({ block: "nearest", inline: "nearest" });

// Lines of logs as they come, while the page is looked at: a browser opens six connections to one place at most.
for (const log of document.querySelectorAll("[data-live]")) {
  const address = new URL(log.dataset.live, location.href);
  let source = null;
  const add = (event) => {
    const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 40;
    log.insertAdjacentHTML("beforeend", JSON.parse(event.data));
    while (log.children.length > 2000) log.firstChild.remove();
    if (atEnd) log.scrollTop = log.scrollHeight;
    address.searchParams.set("after", event.lastEventId);
  };
  const follow = () => {
    source?.close();
    source = null;
    if (document.hidden) return;
    source = new EventSource(address);
    source.onmessage = add;
  };
  document.addEventListener("visibilitychange", follow);
  log.scrollTop = log.scrollHeight;
  follow();
}

// A part of a page that is read again every so often, unless somebody is at work in it.
for (const part of document.querySelectorAll("[data-refresh]")) {
  setInterval(async () => {
    if (document.hidden || part.contains(document.activeElement) || String(getSelection())) return;
    const answer = await fetch(location.href).catch(() => null);
    if (!answer?.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const now = page.querySelector("[data-refresh]");
    if (now && now.innerHTML !== part.innerHTML) part.innerHTML = now.innerHTML;
  }, Number(part.dataset.refresh));
}

// A text that is typed is no NULL.
document.addEventListener("input", ({ target }) => {
  const box = target.matches("textarea") && target.closest("div")?.querySelector("input[name^='null.']");
  if (box && target.value) box.checked = false;
});

let afterG = 0;
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.target.form?.requestSubmit();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select")) return;
  if (event.key === "/" && document.querySelector("[data-filter]")) {
    event.preventDefault();
    document.querySelector("[data-filter]").focus();
  } else if (event.key === "g") {
    afterG = event.timeStamp;
  } else if (event.timeStamp - afterG < 1500) {
    document.querySelector(`[data-key="${CSS.escape(event.key)}"]`)?.click();
  }
});
