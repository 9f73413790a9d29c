// Everything here adds to pages that work without it.
import "./clock.js";
import "./menus.js";
import "./filters.js";
import "./picker.js";
import "./narrow.js";
import "./counts.js";
import "./copy.js";
import "./passkeys.js";
import "./submit.js";
import "./confirm.js";
import "./log.js";
import "./keys.js";
import "./notice.js";
import "./dialog.js";
import "./drag.js";
import "./title.js";
import "./code.js";
import "./choose.js";
import "./finder.js";

document.documentElement.classList.add("scripted");
