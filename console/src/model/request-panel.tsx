// A request to copy: choose how to ask and in which language.
import { Command } from "../parts/copy.tsx";
import { useQueryParameter } from "../router.ts";
import { LANGUAGES, type RequestForm, requestForms, type RequestOptions, requestSnippets } from "./request.ts";

const FORM_TEXT: Readonly<Record<RequestForm, string>> = {
  image: "An image",
  instances: "Instances",
  tensors: "Tensors",
};

export function RequestPanel({ options, isServed }: { options: RequestOptions; isServed: boolean }) {
  const [chosenForm, chooseForm] = useQueryParameter("form");
  const [chosenLanguage, chooseLanguage] = useQueryParameter("language");
  const forms = requestForms(options);
  const form = forms.find((candidate) => candidate === chosenForm) ?? forms[0];
  const language = LANGUAGES.find((candidate) => candidate === chosenLanguage) ?? "curl";
  if (form === undefined)
    return (
      <p className="quiet">
        An input is of a type the Open Inference Protocol has no tensor for, so this model cannot be asked over HTTP.
      </p>
    );
  return (
    <>
      <div className="request-choice">
        {forms.length > 1 && (
          <div className="tabs" role="group" aria-label="What to send">
            {forms.map((candidate) => (
              <button
                type="button"
                key={candidate}
                aria-pressed={candidate === form}
                onClick={() => chooseForm(candidate === forms[0] ? null : candidate)}
              >
                {FORM_TEXT[candidate]}
              </button>
            ))}
          </div>
        )}
        <div className="tabs" role="group" aria-label="Language">
          {LANGUAGES.map((candidate) => (
            <button
              type="button"
              key={candidate}
              aria-pressed={candidate === language}
              onClick={() => chooseLanguage(candidate === "curl" ? null : candidate)}
            >
              {candidate}
            </button>
          ))}
        </div>
      </div>
      <Command text={requestSnippets(options, form)[language]} label={`request in ${language}`} />
      {form === "image" && (
        <p className="quiet request-note">
          <code>image.png</code> stands for a file of yours; a JPEG is sent as <code>image/jpeg</code>.
        </p>
      )}
      {!isServed && (
        <p className="quiet request-note">
          The endpoint {options.endpoint} does not serve this version now; deploy it first.
        </p>
      )}
    </>
  );
}
