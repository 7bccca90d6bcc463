#include "signaling/core/sentences.h"

#include "base/check.h"

struct sentence {
    const char *french, *english;
};

static const struct sentence errors[CLIENT_ERROR_COUNT] = {
    [CLIENT_OK] = {"Tout va bien.", "All is well."},
    [CLIENT_BAD_MESSAGE] = {"Le serveur n'a pas compris ce message. Rechargez la page.",
                            "The server did not understand this message. Reload the page."},
    [CLIENT_UNKNOWN_TYPE] = {"Le serveur ne connaît pas cette demande. Rechargez la page.",
                             "The server does not know this request. Reload the page."},
    [CLIENT_TOO_LARGE] = {"Ce message est trop grand.", "This message is too large."},
    [CLIENT_TOO_MANY] = {"Trop de demandes à la fois. Réessayez dans un instant.",
                         "Too many requests at once. Try again in a moment."},
    [CLIENT_VERSION] = {"Cette page n'est plus à jour. Rechargez-la.",
                        "This page is out of date. Reload it."},
    [CLIENT_NOT_AUTHENTICATED] = {"Présentez d'abord un lien ou une clé valable.",
                                  "Present a valid link or key first."},
    [CLIENT_INVALID_TOKEN] = {"Ce lien n'est pas valable. Demandez-en un autre.",
                              "This link is not valid. Ask for another one."},
    [CLIENT_EXPIRED_TOKEN] = {"Ce lien a expiré. Demandez-en un autre.",
                              "This link has expired. Ask for another one."},
    [CLIENT_CLASS_ENDED] = {"Cette classe est terminée.", "This class has ended."},
    [CLIENT_CLASS_FULL] = {"Il n'y a plus de place. Réessayez plus tard.",
                           "There is no place left. Try again later."},
    [CLIENT_NOT_ALLOWED] = {"Vous n'avez pas le droit de faire cela.",
                            "You are not allowed to do this."},
    [CLIENT_NOT_FOUND] = {"Cela n'existe pas ou n'existe plus.",
                          "This does not exist, or no longer."},
    [CLIENT_CHAT_CLOSED] = {"La discussion écrite est fermée pour le moment.",
                            "The chat is closed for the moment."},
    [CLIENT_POLL_OPEN] = {"Un sondage est déjà ouvert. Fermez-le d'abord.",
                          "A poll is open already. Close it first."},
    [CLIENT_FLOOR_REQUIRED] = {"Demandez d'abord la parole en levant la main.",
                               "Ask for the floor first by raising your hand."},
    [CLIENT_BAD_SDP] = {"La description de connexion n'est pas utilisable. Rechargez la page.",
                        "The connection description cannot be used. Reload the page."},
    [CLIENT_NO_CODEC] =
        {"Votre navigateur et le serveur n'ont aucun format en commun. Essayez un "
         "navigateur récent.",
         "Your browser and the server share no media format. Try a recent browser."},
    [CLIENT_NO_RELAY] = {"Le son et l'image sont momentanément indisponibles. Nouvel essai dans un "
                         "instant.",
                         "Sound and picture are unavailable for the moment. Trying again shortly."},
    [CLIENT_MEDIA_GONE] = {"La connexion du son et de l'image n'existe plus. Elle va être refaite.",
                           "The media connection no longer exists. It will be made again."},
    [CLIENT_INTERNAL] = {"Le serveur a rencontré une erreur. Réessayez dans un instant.",
                         "The server met an error. Try again in a moment."},
    [CLIENT_LOBBY_FULL] = {"Trop de personnes attendent déjà depuis votre connexion Internet. "
                           "Réessayez dans quelques minutes.",
                           "Too many people wait already behind your Internet connection. Try "
                           "again in a few minutes."},
    [CLIENT_CLASS_LOCKED] = {"La salle est fermée à clé : personne n'entre plus.",
                             "The class is locked: nobody comes in any more."},
    [CLIENT_BANNED] = {"Vous avez été exclu de cette classe.",
                       "You have been banned from this class."},
    [CLIENT_METHOD] = {"Cette méthode ne s'applique pas ici.", "This method does not apply here."},
    [CLIENT_CONTENT_TYPE] = {"Ce type de contenu n'est pas accepté ici.",
                             "This content type is not accepted here."},
    [CLIENT_STALE] = {"La session a changé entre-temps.", "The session has changed meanwhile."},
    [CLIENT_PRECONDITION] = {"L'en-tête If-Match manque.", "The If-Match header is missing."},
};

static const struct sentence goodbyes[GOODBYE_COUNT] = {
    [GOODBYE_CLASS_ENDED] = {"La classe est terminée. Merci de votre présence.",
                             "The class has ended. Thank you for being here."},
    [GOODBYE_TAKEN_OVER] = {"Vous avez ouvert la classe dans une autre fenêtre.",
                            "You have opened the class in another window."},
    [GOODBYE_REVOKED] = {"Votre accès à cette classe a été retiré.",
                         "Your access to this class has been withdrawn."},
    [GOODBYE_REMOVED] = {"Le formateur vous a fait sortir. Vous pouvez demander à revenir.",
                         "The trainer has put you out. You may ask to come back."},
    [GOODBYE_NOT_NOW] = {"Le formateur ne peut pas vous faire entrer maintenant.",
                         "The trainer cannot let you in now."},
    [GOODBYE_BANNED] = {"Vous avez été exclu de cette classe.",
                        "You have been banned from this class."},
    [GOODBYE_SLOW_CONSUMER] = {"Votre connexion est trop lente pour suivre. Nouvel essai.",
                               "Your connection is too slow to keep up. Trying again."},
    [GOODBYE_PROTOCOL] = {"La page et le serveur ne se comprennent pas. Rechargez la page.",
                          "The page and the server do not understand each other. Reload the page."},
    [GOODBYE_SHUTTING_DOWN] = {"Le serveur redémarre. La page se reconnecte seule.",
                               "The server is restarting. The page reconnects by itself."},
};

static const struct {
    const char *name;
    int http_status;
} error_facts[CLIENT_ERROR_COUNT] = {[CLIENT_OK] = {"ok", 200},
#define X(id, text, status) [CLIENT_##id] = {text, status},
                                     CLIENT_ERROR_LIST(X)
#undef X
};

static const struct {
    const char *name;
    uint16_t close_code;
} goodbye_facts[GOODBYE_COUNT] = {
#define X(id, text, close) [GOODBYE_##id] = {text, close},
    GOODBYE_LIST(X)
#undef X
};

static const char *pick(const struct sentence *sentence, enum language language)
{
    return language == LANGUAGE_ENGLISH ? sentence->english : sentence->french;
}

const char *client_error_name(enum client_error error)
{
    CHECK(error < CLIENT_ERROR_COUNT);
    return error_facts[error].name;
}

int client_error_http_status(enum client_error error)
{
    CHECK(error < CLIENT_ERROR_COUNT);
    return error_facts[error].http_status;
}

const char *client_error_sentence(enum client_error error, enum language language)
{
    CHECK(error < CLIENT_ERROR_COUNT);
    return pick(&errors[error], language);
}

const char *goodbye_name(enum goodbye code)
{
    CHECK(code < GOODBYE_COUNT);
    return goodbye_facts[code].name;
}

uint16_t goodbye_close_code(enum goodbye code)
{
    CHECK(code < GOODBYE_COUNT);
    return goodbye_facts[code].close_code;
}

const char *goodbye_sentence(enum goodbye code, enum language language)
{
    CHECK(code < GOODBYE_COUNT);
    return pick(&goodbyes[code], language);
}

bool language_find(const char *text, enum language *out)
{
    if (strcmp(text, "fr") == 0)
        *out = LANGUAGE_FRENCH;
    else if (strcmp(text, "en") == 0)
        *out = LANGUAGE_ENGLISH;
    else
        return false;
    return true;
}
