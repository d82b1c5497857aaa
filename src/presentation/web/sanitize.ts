import DOMPurify from "dompurify";

const ALLOWED_TAGS =
  "a p h1 h2 h3 h4 h5 h6 ul ol li blockquote pre code em strong del hr br table thead tbody tr th td";

/** The nodes of `html`, and nothing in them but text, structure and links to the web. */
export function toSafeNodes(html: string): DocumentFragment {
  return DOMPurify.sanitize(html, {
    ALLOWED_TAGS: ALLOWED_TAGS.split(" "),
    ALLOWED_ATTR: ["href", "title", "target", "rel", "start", "align"],
    ALLOWED_URI_REGEXP: /^(?:https?:\/\/|mailto:)/iu,
    // Without this, their values would have to be addresses too.
    ADD_URI_SAFE_ATTR: ["target", "rel", "start", "align"],
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    RETURN_DOM_FRAGMENT: true,
  });
}
