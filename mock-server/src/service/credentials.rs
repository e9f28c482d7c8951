//! Who may prove themselves with what. An empty list admits everybody.

use std::fmt;

/// A user with a password.
#[derive(Clone, PartialEq, Eq)]
pub struct UserCredential {
    /// The address of the user's mailbox.
    pub address: String,
    /// The password; any will do if absent. Never shown.
    pub password: Option<String>,
}

/// An app with a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct AppCredential {
    /// The app's id.
    pub client_id: String,
    /// The app's secret; any will do if absent. Never shown.
    pub secret: Option<String>,
    /// The names of what the app is permitted, by itself or for users; everything if absent.
    pub permissions: Option<Vec<String>>,
}

/// Users and apps that are admitted. Without users any password opens any mailbox; without apps any app gets a token.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Credentials {
    /// The users.
    pub users: Vec<UserCredential>,
    /// The apps.
    pub apps: Vec<AppCredential>,
}

impl fmt::Debug for UserCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserCredential").field("address", &self.address).finish_non_exhaustive()
    }
}

impl fmt::Debug for AppCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { client_id, secret: _, permissions } = self;
        let mut shown = f.debug_struct("AppCredential");
        shown.field("client_id", client_id).field("permissions", permissions).finish_non_exhaustive()
    }
}

/// What is wrong with a user's proof.
#[derive(Copy, Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum WrongUser {
    /// There is no such user.
    #[error("the user is not known")]
    Unknown,
    /// The password is not the user's.
    #[error("the password is wrong")]
    Password,
}

impl Credentials {
    /// Whether a user's password is right. A name without a domain means the first user of that name.
    ///
    /// # Errors
    /// If it is not.
    pub fn user(&self, name: &str, password: &str) -> Result<(), WrongUser> {
        if self.users.is_empty() {
            return Ok(());
        }
        let fits = |user: &&UserCredential| {
            let local = user.address.split('@').next().unwrap_or_default();
            user.address.eq_ignore_ascii_case(name) || local.eq_ignore_ascii_case(name)
        };
        let user = self.users.iter().find(fits).ok_or(WrongUser::Unknown)?;
        let right = user.password.as_ref().is_none_or(|right| right == password);
        right.then_some(()).ok_or(WrongUser::Password)
    }

    /// What is known of an app: nothing if any app will do.
    ///
    /// # Errors
    /// If apps are listed and this is none of them.
    pub fn app(&self, client_id: &str) -> Result<Option<&AppCredential>, UnknownApp> {
        if self.apps.is_empty() {
            return Ok(None);
        }
        let found = self.apps.iter().find(|app| app.client_id.eq_ignore_ascii_case(client_id));
        found.map(Some).ok_or(UnknownApp)
    }
}

/// The app is none of those that are listed.
#[derive(Copy, Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the app is not known")]
pub struct UnknownApp;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(credentials: &Credentials, name: &str, password: &str, expected: Result<(), WrongUser>) {
        assert_eq!(credentials.user(name, password), expected, "{name} {password}");
    }

    #[test]
    fn without_a_list_everybody_is_admitted() {
        check(&Credentials::default(), "anybody", "anything", Ok(()));
        assert_eq!(Credentials::default().app("any"), Ok(None));
    }

    #[test]
    fn listed_users_need_their_password() {
        let user = |address: &str, password: Option<&str>| UserCredential {
            address: address.to_owned(),
            password: password.map(str::to_owned),
        };
        let users = vec![user("alice@contoso.test", Some("right")), user("bob@contoso.test", None)];
        let credentials = Credentials { users, apps: Vec::new() };
        check(&credentials, "Alice@contoso.test", "right", Ok(()));
        check(&credentials, "alice", "right", Ok(()));
        check(&credentials, "alice", "wrong", Err(WrongUser::Password));
        check(&credentials, "bob@contoso.test", "anything", Ok(()));
        check(&credentials, "carol@contoso.test", "right", Err(WrongUser::Unknown));
        assert!(!format!("{credentials:?}").contains("right"));
    }
}
