// The page is put together.

bindDrawing();
bindViewport();
showOverview();
bindPanel();
bindReplay();
showChange();
showProof();
showSteps();
showChecks();
bindKeys();
bindTheme();
watch((now) => lightDrawing(now));
lightDrawing(selection);
