// Colours of objects: eight that people with any colour vision can tell apart (Okabe and Ito, black left out for white).

export const PALETTE = ['#e69f00', '#56b4e9', '#009e73', '#f0e442', '#0072b2', '#d55e00', '#cc79a7', '#ffffff'];

/** Neighbouring ids never share a colour. @param {number} track */
export const trackColour = (track) => PALETTE[((track % PALETTE.length) + PALETTE.length) % PALETTE.length];

/** Uncertainty of the timeline, certain to uncertain: told apart by lightness alone. */
export const DOUBT = ['#2c5f8a', '#4f86a8', '#8fb0a6', '#cfc27a', '#f4e04d'];
