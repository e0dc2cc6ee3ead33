// The page is put together.

bindDrawing();
showOverview();
bindPanel();
bindReplay();
bindViewport();
showChange();
showProof();
showSteps();
showChecks();
bindKeys();
bindTheme();
watch((now) => lightDrawing(now));
lightDrawing(selection);
