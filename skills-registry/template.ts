/**
 * Text with holes, as in "what is {expression}": the form of example texts and answers. Braces
 * have no other use in it.
 */
export type TemplatePart =
  | { readonly kind: "literal"; readonly text: string }
  | { readonly kind: "hole"; readonly path: readonly string[] };

/** Cuts a template into its parts; throws `SyntaxError` for a brace that opens or ends no hole. */
export function parseTemplate(template: string): readonly TemplatePart[] {
  return template
    .split(HOLE)
    .map((piece, index) => (index % 2 === 1 ? toHole(piece) : toLiteral(piece, template)))
    .filter((part) => part.kind === "hole" || part.text !== "");
}

/** Dotted names in braces; the capture makes `split` keep them at the odd places. */
const HOLE = /\{([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\}/u;

function toHole(name: string): TemplatePart {
  return { kind: "hole", path: name.split(".") };
}

function toLiteral(text: string, template: string): TemplatePart {
  if (!/[{}]/u.test(text)) return { kind: "literal", text };
  throw new SyntaxError(`Cannot read template "${template}": expected braces as "{name}" only`);
}
