// What the playground adds to SimCord's page: examples to press, Enter that always sends, a menu on each
// message, and a timeline that keeps the newest answer in view. Text enters the page as text, never as HTML.

const data = JSON.parse(document.getElementById("playground-data").textContent);
const byId = (id) => document.getElementById(id);
const form = byId("channel-composer");
const input = byId("channel-composer-input");
const timeline = byId("channel-timeline");
const messages = byId("channel-message-list");

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// ---------------------------------------------------------------- the page around the channel

document.title = "Tokenwise playground";
document.querySelector(".brand-mark").textContent = "T";
document.querySelector(".preview-brand strong").textContent = "Tokenwise";
document.querySelector(".preview-brand small").textContent = "Playground";
const more = document.querySelector(".session-menu-popover");
more.prepend(...["messages-toggle", "refresh", "capture-open", "inspector-toggle"].map(byId));
more.append(element("p", { className: "credit" }, "The pretend Discord is SimCord."));
if (!matchMedia("(max-width: 760px)").matches) byId("preview-shell").classList.add("messages-closed");

// SimCord tells of every action; only what went wrong is worth reading.
const status = byId("action-status");
new MutationObserver(() => {
  status.classList.toggle("is-quiet", !/not completed|uncertain|interrupted|ended|closed|unavailable/.test(status.textContent));
}).observe(status, { childList: true, characterData: true, subtree: true });

const notice = element("output", { className: "playground-notice", hidden: true });
form.before(notice);
function say(sentence) {
  notice.textContent = sentence ?? "";
  notice.hidden = !sentence;
}

// ---------------------------------------------------------------- acting as the person

function isReady() {
  const page = window.simcordPreview;
  return Boolean(page?.ready) && !(page.awaitingRevision > page.publishedRevision)
    && page.commandPicker.autocomplete.state !== "loading";
}

/** Run `then` once the page would take an action; until that, it drops them. */
function whenReady(then) {
  if (isReady()) then();
  else setTimeout(() => whenReady(then), 50);
}

async function act(kind, details) {
  say(null);
  acted();
  const headers = {
    "Content-Type": "application/json",
    "X-Simcord-Capability": location.hash.slice(1),
    "X-Simcord-Context": window.simcordPreview.contextId,
  };
  starters.setAttribute("aria-busy", "true");
  try {
    const response = await fetch("/api/action", { method: "POST", headers, body: JSON.stringify({ kind, ...details }) });
    if (!response.ok) throw new Error(String(response.status));
    const { refusal } = await response.json();
    say(refusal);
    return !refusal;
  } catch {
    say("The playground does not answer. Is it still running? Reload the page once it is.");
    return false;
  } finally {
    starters.removeAttribute("aria-busy");
  }
}

const starters = element("nav", { className: "starters is-fresh" }, ...data.starters.map(
  ({ label, line, command, about }, index) => element(
    "button",
    { type: "button", title: line, className: index ? "" : "is-first",
      onclick: () => { if (!starters.hasAttribute("aria-busy")) whenReady(() => act("type_line", { line })); } },
    element("strong", {}, label), element("small", {}, `/${command}`), element("span", {}, about),
  ),
));
starters.setAttribute("aria-label", "Examples");
form.before(starters);

// ---------------------------------------------------------------- typing

// As in Discord, a space after a command's name picks it.
input.addEventListener("input", () => {
  const name = /^\/(\S+) $/.exec(input.value)?.[1];
  if (!data.commands.includes(name)) return;
  input.value = `/${name}`;
  input.dispatchEvent(new Event("input", { bubbles: true }));
  input.dispatchEvent(new KeyboardEvent("keydown", { key: "Tab", bubbles: true, cancelable: true }));
});

// SimCord's Enter adds an option where nothing but the command is there, and is lost while suggestions load.
let choosing = false;
form.addEventListener("keydown", (event) => {
  const { target } = event;
  const onCommand = target.matches(".command-chip, .command-option-input");
  if (onCommand && ["ArrowDown", "ArrowUp"].includes(event.key)) choosing = true;
  if (event.key !== "Enter" || event.isComposing || !onCommand) return;
  const popup = form.querySelector(".command-popup");
  const offers = popup && !popup.hidden && popup.querySelector("[role=option][aria-selected=true]");
  if (offers && (choosing || target.matches(".command-option-input"))) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  form.requestSubmit();
}, true);
form.addEventListener("focusin", () => { choosing = false; });

document.addEventListener("submit", (event) => {
  if (event.target !== form) return;
  const stop = () => { event.preventDefault(); event.stopImmediatePropagation(); };
  const line = form.querySelector(".command-row") ? "" : input.value.trim();
  if (!isReady()) {
    stop();
    whenReady(() => form.requestSubmit());
  } else if (line.startsWith("/")) {
    stop();
    act("type_line", { line }).then((done) => {
      if (!done) return;
      input.value = "";
      input.dispatchEvent(new Event("input", { bubbles: true }));
    });
  } else {
    acted();
    say(line && "Tokenwise answers commands only: type / to see them, or press ⋯ on your message.");
  }
}, true);

// ---------------------------------------------------------------- a menu on each message

const menu = element("div", { className: "apps-menu", popover: "auto" });
menu.setAttribute("role", "menu");
document.body.append(menu);
const isOpen = (messageId) => menu.matches(":popover-open") && menu.dataset.messageId === messageId;
// The message is drawn anew, with another button, whenever the bot edits it.
const opener = () => messages.querySelector(`[data-message-id="${menu.dataset.messageId}"] > .message-apps`);

for (const { name, hint } of data.messageCommands) {
  const item = element("button", { type: "button" }, name, element("small", {}, hint));
  item.setAttribute("role", "menuitem");
  item.addEventListener("click", () => {
    const messageId = menu.dataset.messageId;
    menu.hidePopover();
    whenReady(() => act("use_on_message", { name, message_id: messageId }));
  });
  menu.append(item);
}

function openMenu(button, x, y) {
  menu.dataset.messageId = button.closest("[data-message-id]").dataset.messageId;
  menu.showPopover();
  const { width, height } = menu.getBoundingClientRect();
  menu.style.left = `${Math.max(8, Math.min(x, innerWidth - width - 8))}px`;
  menu.style.top = `${Math.max(8, Math.min(y, innerHeight - height - 8))}px`;
  menu.firstElementChild.focus();
}

menu.addEventListener("toggle", (event) => {
  opener()?.setAttribute("aria-expanded", String(event.newState === "open"));
  const focused = document.activeElement;
  const isLost = !focused || focused === document.body || menu.contains(focused);
  if (event.newState === "closed" && isLost) opener()?.focus();
});
menu.addEventListener("keydown", (event) => {
  const items = [...menu.children];
  const at = items.indexOf(document.activeElement);
  const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  items.at(next % items.length).focus();
});
messages.addEventListener("contextmenu", (event) => {
  const message = event.target.closest("[data-message-id]");
  const button = message?.querySelector(".message-apps");
  if (!button || event.target.closest("a, img, input") || !getSelection().isCollapsed) return;
  event.preventDefault();
  openMenu(button, event.clientX, event.clientY);
});

function addMenus() {
  for (const message of messages.querySelectorAll("[data-message-id]")) {
    // Discord offers no apps on what only one person sees.
    if (message.querySelector(":scope > .message-apps, :scope > .message-ephemeral-note")) continue;
    const { messageId } = message.dataset;
    const button = element("button", { type: "button", className: "message-apps", title: "Apps" }, "⋯");
    button.setAttribute("aria-label", "Apps for this message");
    button.setAttribute("aria-haspopup", "menu");
    button.setAttribute("aria-expanded", String(isOpen(messageId)));
    button.dataset.controlKey = `message:${messageId}:apps`; // by which SimCord gives the focus back
    button.addEventListener("click", () => {
      const { left, bottom } = button.getBoundingClientRect();
      openMenu(button, left, bottom);
    });
    message.append(button);
  }
}

// ---------------------------------------------------------------- the newest answer in view

const NEAR = 8; // pixels from the end that count as the end
const SOON = 20_000; // milliseconds in which a new message is taken for the answer to an action
let following = true;
let lastAct = -Infinity;
let newest = null;
let known = 0; // the height for which the end was last looked for

const atEnd = () => timeline.scrollHeight - timeline.scrollTop - timeline.clientHeight <= NEAR;
const height = () => timeline.scrollHeight + timeline.clientHeight;
function follow() {
  known = height();
  if (following && !atEnd()) timeline.scrollTop = timeline.scrollHeight;
}
function acted() { lastAct = performance.now(); }

timeline.addEventListener("scroll", () => {
  // Where nothing has grown, somebody moved: up to read on there, or down to the end.
  if (height() === known) following = atEnd();
  else follow();
}, { passive: true });
timeline.addEventListener("click", (event) => { if (event.target.closest("button")) acted(); });
byId("new-messages").addEventListener("click", () => { following = true; });

new MutationObserver(() => {
  addMenus();
  starters.classList.toggle("is-fresh", messages.querySelectorAll("[data-message-id]").length <= 1);
  const last = messages.querySelector("[data-message-id]:last-child")?.dataset.messageId ?? null;
  if (last !== newest && newest !== null && performance.now() - lastAct < SOON) following = true;
  newest = last;
  follow();
}).observe(messages, { childList: true, subtree: true });
// Pictures and fonts arrive later.
const sizes = new ResizeObserver(follow);
sizes.observe(messages);
sizes.observe(timeline);
