// The reader's zone goes to the server in a cookie, so that days are grouped and times are written
// in one place only. Relative times age here.

const YEAR_S = 31536000;

function remember(name, value) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  const text = encodeURIComponent(value);
  document.cookie = `${name}=${text}; Path=/; Max-Age=${YEAR_S}; SameSite=Lax${secure}`;
}

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
const { dataset } = document.body;
if (zone && dataset.zone !== zone) {
  remember("trailkeeper_zone", zone);
  const shown = dataset.clock === "local" && document.querySelector("time");
  // Once only: where cookies are blocked the page stays in UTC.
  if (shown && document.cookie.includes("trailkeeper_zone=") && !sessionStorage.getItem("zone")) {
    sessionStorage.setItem("zone", zone);
    location.reload();
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-clock-switch]");
  if (!button) return;
  remember("trailkeeper_clock", dataset.clock === "utc" ? "local" : "utc");
  location.reload();
});

function relative(seconds) {
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  return null;
}

setInterval(() => {
  for (const time of document.querySelectorAll("time[data-relative]")) {
    const seconds = (Date.now() - Date.parse(time.dateTime)) / 1000;
    const text = seconds >= -60 ? relative(seconds) : null;
    if (text && time.textContent !== text) time.textContent = text;
  }
}, 20000);
