package ftp

// phrase names one thing a Session has to say; each profile has its own words, and
// sometimes its own code, for it.
type phrase uint8

const (
	saidNothing phrase = iota
	// Login.
	saidGreeting
	saidTooManyUsers
	saidShuttingDown
	saidIdleTimeout
	saidGivePassword
	saidGiveAnyPassword
	saidLoggedIn
	saidAlreadyLoggedIn
	saidCannotChangeUser
	saidLoginIncorrect
	saidTooManyFailures
	saidUserFirst
	saidPleaseLogIn
	saidTLSRequired
	saidGoodbye
	saidReinitialized
	// Lines and arguments.
	saidUnknownCommand
	saidNotImplemented
	saidArgumentMissing
	saidNoArgumentAllowed
	saidBadLine
	saidBadCharacter
	saidLineTooLong
	saidTooManyPending
	saidNotHTTP
	// Parameters.
	saidTypeASCII
	saidTypeBinary
	saidTypeUnsupported
	saidTypeSyntax
	saidStructureFile
	saidStructureUnsupported
	saidStructureSyntax
	saidModeStream
	saidModeUnsupported
	saidModeSyntax
	saidAllocateIgnored
	saidAccountIgnored
	saidNoop
	saidSystem
	saidOptionSet
	saidOptionBad
	saidClientNoted
	saidHostUnknown
	saidHostTooLate
	// Data connection.
	saidPassive
	saidExtendedPassive
	saidExtendedPassiveAll
	saidOnlyExtendedPassive
	saidPassiveNoPort
	saidPassiveNotIPv6
	saidPassiveOff
	saidPortOK
	saidPortOff
	saidPortSyntax
	saidPortIPv6
	saidPortForeign
	saidPortPrivileged
	saidEPRTOK
	saidEPRTSyntax
	saidEPRTFamily
	saidEPRTForeign
	saidEPRTPrivileged
	saidEPSVFamily
	saidEPSVSyntax
	// Transfer.
	saidNoDataConnection
	saidDataFailed
	saidDataForeign
	saidDataTLSFailed
	saidDataTLSNeeded
	saidOpening
	saidReceiving
	saidUnique
	saidListing
	saidListingDone
	saidTransferDone
	saidDataLostSending
	saidDataLostReceiving
	saidDataTimeout
	saidAborted
	saidAbortDone
	saidNothingToAbort
	saidReadFailed
	saidNoSpace
	saidRestart
	saidRestartSyntax
	saidRestartASCII
	saidRestartBeyond
	saidRestartAppend
	// Files.
	saidWorkingDirectory
	saidDirectoryChanged
	saidDirectoryMissing
	saidDirectoryMade
	saidMakeDirFailed
	saidRemoveDirDone
	saidRemoveDirFailed
	saidDeleted
	saidDeleteFailed
	saidRenameReady
	saidRenameMissing
	saidRenameFirst
	saidRenamed
	saidRenameFailed
	saidFileMissing
	saidOpenFailed
	saidCreateFailed
	saidPermissionDenied
	saidListMissing
	saidNotADirectory
	saidSize
	saidSizeFailed
	saidSizeASCII
	saidModified
	saidModifiedSet
	saidModifiedFailed
	saidTimeSyntax
	saidStatusMissing
	// SITE and HELP.
	saidSiteUnknown
	saidSiteHelp
	saidChmodDone
	saidChmodFailed
	saidChmodSyntax
	saidHelpUnknown
	saidHelpSyntax
	// TLS (RFC 4217).
	saidTLSProceed
	saidTLSMechanism
	saidTLSAlready
	saidTLSNeeded
	saidBufferSize
	saidBufferSyntax
	saidProtClear
	saidProtPrivate
	saidProtUnsupported
	saidProtSyntax
	saidProtBufferFirst
	saidClearControl
	numPhrases
)

// words are a code and a text; the text is a format for the phrase's arguments.
type words struct {
	code int
	text string
}

type phraseBook [numPhrases]words

// ownWords are ftplab's. They say what to do next, because a learner reads them.
var ownWords = phraseBook{
	saidGreeting:         {220, "%s"},
	saidTooManyUsers:     {421, "Too many users, please try again later."},
	saidShuttingDown:     {421, "The server is shutting down."},
	saidIdleTimeout:      {421, "No command for %s: closing."},
	saidGivePassword:     {331, "Please send the password."},
	saidGiveAnyPassword:  {331, "Please send your e-mail address as password."},
	saidLoggedIn:         {230, "Logged in."},
	saidLoginIncorrect:   {530, "Login incorrect."},
	saidTooManyFailures:  {421, "Too many failed logins: closing."},
	saidUserFirst:        {503, "Send USER first."},
	saidPleaseLogIn:      {530, "Please log in with USER and PASS."},
	saidTLSRequired:      {530, "This server wants AUTH TLS before the login."},
	saidGoodbye:          {221, "Goodbye."},
	saidReinitialized:    {220, "Ready for a new user."},
	saidAlreadyLoggedIn:  {230, "Logged in."},
	saidCannotChangeUser: {530, "Cannot change to another user."},

	saidUnknownCommand:    {500, "Unknown command."},
	saidNotImplemented:    {502, "Command not implemented."},
	saidArgumentMissing:   {501, "This command needs an argument: %s"},
	saidNoArgumentAllowed: {501, "This command takes no argument: %s"},
	saidBadLine:           {500, "A command line ends with CR LF and has no other CR."},
	saidBadCharacter:      {501, "NUL is not allowed."},
	saidLineTooLong:       {500, "Command line too long."},
	saidTooManyPending:    {421, "Too many commands sent ahead during a transfer: closing."},
	saidNotHTTP:           {500, "This is an FTP server, not HTTP: closing."},

	saidTypeASCII:            {200, "Type is ASCII."},
	saidTypeBinary:           {200, "Type is Image (binary)."},
	saidTypeUnsupported:      {504, "Only TYPE A, A N, I and L 8 are supported."},
	saidTypeSyntax:           {501, "Syntax: TYPE A | A N | I | L 8"},
	saidStructureFile:        {200, "Structure is File."},
	saidStructureUnsupported: {504, "Only STRU F is supported."},
	saidStructureSyntax:      {501, "Syntax: STRU F"},
	saidModeStream:           {200, "Mode is Stream."},
	saidModeUnsupported:      {504, "Only MODE S is supported."},
	saidModeSyntax:           {501, "Syntax: MODE S"},
	saidAllocateIgnored:      {202, "No storage allocation necessary."},
	saidAccountIgnored:       {202, "No account necessary."},
	saidNoop:                 {200, "Nothing done, as asked."},
	saidSystem:               {215, "UNIX Type: L8"},
	saidOptionSet:            {200, "%s"},
	saidOptionBad:            {501, "Option not understood."},
	saidClientNoted:          {200, "Noted."},
	saidHostUnknown:          {504, "Virtual hosts are not supported."},
	saidHostTooLate:          {503, "HOST comes before the login."},

	saidPassive:             {227, "Entering Passive Mode (%s)."},
	saidExtendedPassive:     {229, "Entering Extended Passive Mode %s"},
	saidExtendedPassiveAll:  {200, "From now on only EPSV."},
	saidOnlyExtendedPassive: {503, "EPSV ALL was sent: only EPSV from now on."},
	saidPassiveNoPort:       {425, "No port is free for a data connection."},
	saidPassiveNotIPv6:      {425, "A 227 reply cannot name an IPv6 address: use EPSV."},
	saidPassiveOff:          {502, "Passive mode is switched off."},
	saidPortOK:              {200, "PORT accepted."},
	saidPortOff:             {502, "Active mode is switched off."},
	saidPortSyntax:          {501, "Syntax: PORT h1,h2,h3,h4,p1,p2 - %s"},
	saidPortIPv6:            {501, "PORT cannot name an IPv6 address: use EPRT."},
	saidPortForeign:         {504, "PORT must name your own address (%s)."},
	saidPortPrivileged:      {504, "PORT must not name a port below 1024."},
	saidEPRTOK:              {200, "EPRT accepted."},
	saidEPRTSyntax:          {501, "Syntax: EPRT |family|address|port| - %s"},
	saidEPRTFamily:          {522, "Network protocol not supported, use (%d)"},
	saidEPRTForeign:         {501, "EPRT must name your own address (%s)."},
	saidEPRTPrivileged:      {504, "EPRT must not name a port below 1024."},
	saidEPSVFamily:          {522, "Network protocol not supported, use (%d)"},
	saidEPSVSyntax:          {501, "Syntax: EPSV [1 | 2 | ALL]"},

	saidNoDataConnection:  {425, "Use PASV, EPSV, PORT or EPRT first."},
	saidDataFailed:        {425, "Could not open the data connection: %s."},
	saidDataForeign:       {425, "The data connection must come from your own address."},
	saidDataTLSFailed:     {425, "TLS failed on the data connection."},
	saidDataTLSNeeded:     {522, "This server wants PROT P."},
	saidOpening:           {150, "Sending %[2]s (%[3]d octets, %[1]s)."},
	saidReceiving:         {150, "Ready to receive."},
	saidUnique:            {150, "FILE: %s"},
	saidListing:           {150, "Here comes the listing."},
	saidListingDone:       {226, "Listing complete."},
	saidTransferDone:      {226, "Transfer complete."},
	saidDataLostSending:   {426, "Data connection lost; transfer aborted."},
	saidDataLostReceiving: {426, "Data connection lost; what arrived is kept."},
	saidDataTimeout:       {426, "No progress on the data connection for %s; transfer aborted."},
	saidAborted:           {426, "Transfer aborted."},
	saidAbortDone:         {226, "Abort done."},
	saidNothingToAbort:    {225, "No transfer to abort."},
	saidReadFailed:        {451, "Reading or writing the file failed; transfer aborted."},
	saidNoSpace:           {452, "No space left; transfer aborted."},
	saidRestart:           {350, "Will start at octet %d."},
	saidRestartSyntax:     {501, "Syntax: REST octets"},
	saidRestartASCII:      {501, "REST needs TYPE I."},
	saidRestartBeyond:     {554, "REST %d is beyond the end of the file (%d octets)."},
	saidRestartAppend:     {450, "APPE and STOU cannot start at a REST position."},

	saidWorkingDirectory: {257, "%s is the current directory"},
	saidDirectoryChanged: {250, "Directory changed."},
	saidDirectoryMissing: {550, "No such directory."},
	saidDirectoryMade:    {257, "%s created"},
	saidMakeDirFailed:    {550, "Could not create the directory: %s."},
	saidRemoveDirDone:    {250, "Directory removed."},
	saidRemoveDirFailed:  {550, "Could not remove the directory: %s."},
	saidDeleted:          {250, "File deleted."},
	saidDeleteFailed:     {550, "Could not delete the file: %s."},
	saidRenameReady:      {350, "Send RNTO with the new name."},
	saidRenameMissing:    {550, "No such file or directory."},
	saidRenameFirst:      {503, "Send RNFR first."},
	saidRenamed:          {250, "Renamed."},
	saidRenameFailed:     {550, "Could not rename: %s."},
	saidFileMissing:      {550, "No such file."},
	saidOpenFailed:       {550, "Could not open the file: %s."},
	saidCreateFailed:     {550, "Could not create the file: %s."},
	saidPermissionDenied: {550, "Permission denied."},
	saidListMissing:      {550, "No such file or directory."},
	saidNotADirectory:    {501, "Not a directory: use MLST."},
	saidSize:             {213, "%d"},
	saidSizeFailed:       {550, "No such file."},
	saidSizeASCII:        {550, "SIZE needs TYPE I: the size in TYPE A is not known without reading the file."},
	saidModified:         {213, "%s"},
	saidModifiedSet:      {213, "Modify=%s; %s"},
	saidModifiedFailed:   {550, "No such file."},
	saidTimeSyntax:       {501, "Syntax: MFMT YYYYMMDDhhmmss path"},
	saidStatusMissing:    {550, "No such file or directory."},

	saidSiteUnknown: {500, "Unknown SITE command."},
	saidSiteHelp:    {214, "SITE commands: CHMOD HELP"},
	saidChmodDone:   {200, "Permissions changed."},
	saidChmodFailed: {550, "Could not change the permissions: %s."},
	saidChmodSyntax: {501, "Syntax: SITE CHMOD octal-mode path"},
	saidHelpUnknown: {501, "Unknown command."},
	saidHelpSyntax:  {214, "Syntax: %s"},

	saidTLSProceed:      {234, "Begin the TLS handshake."},
	saidTLSMechanism:    {504, "Only AUTH TLS is supported."},
	saidTLSAlready:      {503, "The control connection is already under TLS."},
	saidTLSNeeded:       {503, "Send AUTH TLS first."},
	saidBufferSize:      {200, "PBSZ=0"},
	saidBufferSyntax:    {501, "Syntax: PBSZ 0"},
	saidProtClear:       {200, "Data connections are in clear."},
	saidProtPrivate:     {200, "Data connections are under TLS."},
	saidProtUnsupported: {536, "Only PROT C and PROT P are supported."},
	saidProtSyntax:      {504, "Syntax: PROT C | P"},
	saidProtBufferFirst: {503, "Send PBSZ 0 first."},
	saidClearControl:    {200, "The control connection is in clear again."},
}

// refusals say which check refused a command, for the record; where none is given
// the reply says it all.
var refusals = [numPhrases]string{
	saidPortForeign:         "PORT names another host than the control connection's peer (RFC 2577, section 3)",
	saidEPRTForeign:         "EPRT names another host than the control connection's peer (RFC 2577, section 3)",
	saidPortPrivileged:      "PORT names a port below 1024 (RFC 2577, section 3)",
	saidEPRTPrivileged:      "EPRT names a port below 1024 (RFC 2577, section 3)",
	saidPortSyntax:          "the argument of PORT is not six numbers 0 to 255 (RFC 959, section 4.1.2)",
	saidEPRTSyntax:          "the argument of EPRT cannot be read (RFC 2428, section 2)",
	saidEPRTFamily:          "EPRT names another address family than the control connection's (RFC 2428, section 2)",
	saidEPSVFamily:          "EPSV asks for another address family than the control connection's (RFC 2428, section 3)",
	saidOnlyExtendedPassive: "EPSV ALL was sent before (RFC 2428, section 4)",
	saidNoDataConnection:    "neither PORT nor PASV came before the transfer command",
	saidPleaseLogIn:         "not logged in",
}
