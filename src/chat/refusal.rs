//! What is said without asking a model: "I do not know" where nothing speaks for an answer, and a question back where there
//! is nothing to search by.

use super::run::Outcome;
use crate::kernel::terms;

/// Why no model is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The question has no word that a passage could be found by.
    Vague,
    /// The search found nothing.
    NoCandidates,
    /// What was found speaks too little for an answer.
    BelowThreshold,
    /// So it is, and an attachment of the session is still being read.
    AttachmentsUnread,
}

/// Reason of an answer that may be another one when the attachments are read.
pub const ATTACHMENTS_UNREAD: &str = "attachments_unread";

/// Whether nothing can be searched by the question: stop words, a pronoun, signs.
pub fn is_vague(standalone_question: &str) -> bool {
    terms::query_terms(standalone_question).is_empty()
}

impl Refusal {
    /// How the run ends, with its machine-readable reason.
    pub fn outcome(self) -> (Outcome, &'static str) {
        match self {
            Self::Vague => (Outcome::Clarification, "too_vague"),
            Self::NoCandidates => (Outcome::NoAnswer, "no_candidates"),
            Self::BelowThreshold => (Outcome::NoAnswer, "below_threshold"),
            Self::AttachmentsUnread => (Outcome::NoAnswer, ATTACHMENTS_UNREAD),
        }
    }

    /// What the reader is told, in the language of the assistant as far as it is one of these, else in English.
    pub fn text(self, language: Option<&str>) -> &'static str {
        let primary = language.unwrap_or_default().split('-').next().unwrap_or_default();
        let (asks_back, does_not_know, waits) = match primary {
            "de" => (
                "Was genau möchten Sie wissen? Bitte nennen Sie das Thema mit ein paar Worten.",
                "Die durchsuchte Dokumentation beantwortet diese Frage nicht.",
                "Eine angehängte Datei wird noch gelesen. Bitte fragen Sie gleich noch einmal.",
            ),
            "fr" => (
                "Que souhaitez-vous savoir exactement ? Indiquez le sujet en quelques mots.",
                "La documentation consultée ne répond pas à cette question.",
                "Un fichier joint est encore en cours de lecture. Posez la question à nouveau dans un instant.",
            ),
            "es" => (
                "¿Qué desea saber exactamente? Indique el tema con algunas palabras.",
                "La documentación consultada no responde a esta pregunta.",
                "Todavía se está leyendo un archivo adjunto. Vuelva a preguntar en un momento.",
            ),
            "it" => (
                "Che cosa desidera sapere esattamente? Indichi l'argomento con qualche parola.",
                "La documentazione consultata non risponde a questa domanda.",
                "Un file allegato è ancora in lettura. Ripeta la domanda tra un momento.",
            ),
            "nl" => (
                "Wat wilt u precies weten? Noem het onderwerp met een paar woorden.",
                "De doorzochte documentatie beantwoordt deze vraag niet.",
                "Een bijgevoegd bestand wordt nog gelezen. Stel de vraag zo meteen opnieuw.",
            ),
            "pt" => (
                "O que deseja saber exatamente? Indique o assunto com algumas palavras.",
                "A documentação consultada não responde a esta pergunta.",
                "Um ficheiro anexado ainda está a ser lido. Pergunte de novo dentro de momentos.",
            ),
            _ => (
                "What would you like to know? Please name the subject in a few words.",
                "The documentation searched does not answer this question.",
                "An attached file is still being read. Ask again in a moment.",
            ),
        };
        match self {
            Self::Vague => asks_back,
            Self::AttachmentsUnread => waits,
            Self::NoCandidates | Self::BelowThreshold => does_not_know,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_without_a_subject_is_vague_and_one_with_a_single_word_is_not() {
        for vague in ["And this?", "why?", "What about it", "???", "👍", "how do I do that"] {
            assert!(is_vague(vague), "{vague}");
        }
        for clear in ["VACUUM?", "keys", "how do I revoke it", "密钥"] {
            assert!(!is_vague(clear), "{clear}");
        }
    }

    #[test]
    fn the_text_is_in_the_language_of_the_assistant_or_in_english() {
        assert!(Refusal::Vague.text(Some("de-CH")).starts_with("Was genau"));
        assert!(Refusal::BelowThreshold.text(Some("fr")).starts_with("La documentation"));
        assert!(Refusal::NoCandidates.text(Some("tlh")).starts_with("The documentation"));
        assert_eq!(Refusal::NoCandidates.text(None), Refusal::BelowThreshold.text(Some("en")));
        assert!(Refusal::AttachmentsUnread.text(Some("pt-BR")).starts_with("Um ficheiro"));
    }
}
