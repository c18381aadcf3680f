// Puts the texts that /status/stream pushes into the places that name them. Without this the page is merely still.
const places = new Map();
for (const place of document.querySelectorAll("[data-live]")) {
  const path = place.dataset.live;
  places.set(path, [...(places.get(path) ?? []), place]);
}
const pulse = document.querySelector("[data-pulse]");
const source = new EventSource("/status/stream");
source.onmessage = (message) => {
  const { empty, texts } = JSON.parse(message.data);
  if (document.body.dataset.empty === "true" && !empty) location.reload();
  for (const [path, found] of places)
    if (path in texts) for (const place of found) if (place.textContent !== texts[path]) place.textContent = texts[path];
  if (pulse) { pulse.dataset.pulse = "on"; pulse.textContent = "live"; }
};
source.onerror = () => {
  if (pulse) { pulse.dataset.pulse = "off"; pulse.textContent = "the worker does not answer; trying again"; }
};
addEventListener("pagehide", () => source.close());
