"use strict";
// Without it everything can be read all the same: it only moves between differences by keyboard.
(() => {
  const hunks = [...document.querySelectorAll(".hunk")];
  const folds = [...document.querySelectorAll("details.equal")];
  let at = -1;
  const go = (n) => {
    if (n < 0 || n >= hunks.length) return;
    at = n;
    hunks[n].scrollIntoView({ block: "start" });
    hunks[n].focus({ preventScroll: true });
  };
  document.addEventListener("focusin", (event) => {
    const n = hunks.indexOf(event.target);
    if (n >= 0) at = n;
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    switch (event.key) {
      case "n": case "j": go(at + 1); break;
      case "p": case "k": go(at - 1); break;
      case "t": at = -1; window.scrollTo(0, 0); break;
      case "e": {
        const open = folds.some((fold) => !fold.open);
        folds.forEach((fold) => { fold.open = open; });
        break;
      }
      default: return;
    }
    event.preventDefault();
  });
})();
