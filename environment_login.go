package codeartsbuild

import "strings"

// fillLogin logs in with the user and password of a tool, of which at least one is set.
func (env *environment) fillLogin(t *tool, cfg *config, user, password setting) error {
	account, project := env.first(t.accounts...), env.first(t.projectName)
	switch {
	case password.value == "":
		return missingPart(user, password)
	case user.value == "":
		return missingPart(password, user)
	case account.value == "" && (!user.isID() || cfg.projectID == nil):
		return invalid("%s is set, and the account must be set as well: one of %s", user.name, strings.Join(t.accounts, ", "))
	case !isSecret(password.value):
		return invalid("%s must hold UTF-8 text without a line break or another control character at its ends", password.name)
	}
	for _, name := range []setting{user, account, project} {
		if !isName(name.value) {
			return invalid("%s must hold UTF-8 text without control characters", name.name)
		}
	}
	login := IAMConfig{Password: StaticSecret(password.value), Transport: cfg.transport, InsecureHTTP: cfg.insecureHTTP}
	login.UserID, login.UserName = user.idOrName()
	login.DomainID, login.DomainName = account.idOrName()
	if cfg.projectID != nil {
		login.ProjectID = *cfg.projectID
	} else {
		login.ProjectName = project.value
	}
	if err := env.loginTarget(&login, t, cfg); err != nil {
		return err
	}
	source, err := NewIAMTokenSource(login)
	if err != nil {
		return err
	}
	var tokens TokenSource = source
	cfg.tokens = &tokens
	return nil
}

// loginTarget sets where to log in and, if that is not known yet, for which project. The password goes to the address of
// the same tool, if that has one.
func (env *environment) loginTarget(login *IAMConfig, t *tool, cfg *config) error {
	if address := env.first(t.authURL, "HUAWEICLOUD_SDK_IAM_ENDPOINT"); address.value != "" {
		u, err := address.withScheme().endpoint(cfg)
		if err != nil {
			return err
		}
		if cfg.region != nil && !isHuaweiCloud(u.Hostname()) {
			return invalid("%s holds the address of another cloud, so that the endpoint must be given as well: set CODEARTSBUILD_ENDPOINT or use WithEndpoint",
				address.name)
		}
		login.Endpoint = u.String()
	}
	if login.Endpoint != "" && login.ProjectID+login.ProjectName != "" {
		return nil
	}
	if cfg.region != nil {
		login.Region = *cfg.region
		return nil
	}
	region, err := env.region()
	if err == nil && region.value == "" {
		err = invalid("%s is set, and the place and project of the login must be set as well: one of %s, or both %s and %s",
			t.password, strings.Join(regionVariables, ", "), t.authURL, t.projectName)
	}
	login.Region = region.value
	return err
}

// isHuaweiCloud reports whether a host belongs to the cloud in which every region is.
func isHuaweiCloud(host string) bool {
	host = "." + strings.ToLower(strings.TrimSuffix(host, "."))
	return strings.HasSuffix(host, ".myhuaweicloud.com") || strings.HasSuffix(host, ".myhuaweicloud.eu")
}

func (f setting) isID() bool { return strings.HasSuffix(f.name, "_ID") }

func (f setting) idOrName() (id, name string) {
	if f.isID() {
		return f.value, ""
	}
	return "", f.value
}
