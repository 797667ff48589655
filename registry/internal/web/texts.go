package web

// texts are the words of the pages in one language.
type texts struct {
	Lang, Other, OtherName                                            string
	Search, SearchHint, Home, AllSkills, Skip                         string
	Lead, Newest, Used, Skills, Versions, Owners, Version             string
	NoResults, NoResultsHint, Results, Next, Before, Empty, EmptyHint string
	Install, Copy, Copied, With                                       string
	Files, File, Size, Digests, Artifact, Tree, License, Published    string
	Downloads, Stars, Owner, Latest, Yanked, Deprecated, NoVersion    string
	Download, Raw, Changelog, Line, Lines                             string
	NotFound, NotFoundHint, Gone, Failed, Ambiguous, AmbiguousHint    string
	Device, DeviceHint, Code, CodeHint, Token, TokenHint, Approve     string
	Deny, Scopes, Label, NoLogin, BadToken, WeakToken                 string
	Approved, Denied, Continue, SetUp, Details                        string
}

var english = &texts{
	Lang: "en", Other: "zh", OtherName: "中文",
	Search: "Search", SearchHint: "Search skills", Home: "Home", AllSkills: "All skills", Skip: "Skip to content",
	Lead: "Skills for agents: instructions and tools that an agent reads when it needs them.", Newest: "Updated last", Used: "Downloaded most",
	Skills: "Skills", Versions: "Versions", Owners: "Owners", Version: "Version",
	NoResults: "Nothing matches", NoResultsHint: "Try fewer or shorter words, or look through all skills.", Results: "Results for", Next: "Next page", Before: "Previous page",
	Empty: "There are no skills yet", EmptyHint: "Publish the first one:",
	Install: "Install", Copy: "Copy", Copied: "Copied", With: "with",
	Files: "Files", File: "File", Size: "Size", Digests: "Digests", Artifact: "Artifact", Tree: "Files (h1)", License: "License", Published: "Published",
	Downloads: "Downloads", Stars: "Stars", Owner: "Owner", Latest: "latest", Yanked: "Yanked", Deprecated: "Deprecated", NoVersion: "Every version of this skill was yanked.",
	Download: "Download", Raw: "Download file", Changelog: "Changes", Line: "line", Lines: "lines",
	NotFound: "There is nothing here", NotFoundHint: "The address may be wrong, or what was here is gone. Search for it:", Gone: "This was taken away", Failed: "That did not work",
	Ambiguous: "Several owners have this skill", AmbiguousHint: "Which one do you mean?",
	Device: "Log in on a device", DeviceHint: "A program asks to act as you. Approve only if you began this login yourself, and the code is the one that it shows.",
	Code: "Code", CodeHint: "as the program shows it", Token: "Your token", TokenHint: "It shows who you are, and is not kept.", Approve: "Approve", Deny: "Deny",
	Scopes: "It may", Label: "It calls itself", NoLogin: "No login waits with this code. Codes are good for ten minutes: begin again.", BadToken: "That token is not valid, or expired.",
	WeakToken: "That token may not do what the login asks for.", Approved: "Approved. Go back to the program.", Denied: "Denied. The program gets no token.", Continue: "Continue",
	SetUp: "Use this registry", Details: "Details",
}

var chinese = &texts{
	Lang: "zh-Hans", Other: "en", OtherName: "English",
	Search: "搜索", SearchHint: "搜索技能", Home: "首页", AllSkills: "全部技能", Skip: "跳到正文",
	Lead: "给智能体的技能：需要时读取的说明与工具。", Newest: "最近更新", Used: "下载最多",
	Skills: "技能", Versions: "版本", Owners: "发布者", Version: "版本",
	NoResults: "没有匹配的结果", NoResultsHint: "请减少或缩短关键词，或浏览全部技能。", Results: "搜索结果：", Next: "下一页", Before: "上一页",
	Empty: "还没有技能", EmptyHint: "发布第一个：",
	Install: "安装", Copy: "复制", Copied: "已复制", With: "使用",
	Files: "文件", File: "文件", Size: "大小", Digests: "摘要", Artifact: "归档", Tree: "文件树 (h1)", License: "许可证", Published: "发布时间",
	Downloads: "下载", Stars: "收藏", Owner: "发布者", Latest: "最新", Yanked: "已撤回", Deprecated: "已弃用", NoVersion: "该技能的所有版本均已撤回。",
	Download: "下载", Raw: "下载文件", Changelog: "变更", Line: "行", Lines: "行",
	NotFound: "这里什么都没有", NotFoundHint: "地址可能有误，或内容已不存在。试试搜索：", Gone: "内容已被移除", Failed: "操作失败",
	Ambiguous: "多位发布者拥有同名技能", AmbiguousHint: "您指的是哪一个？",
	Device: "在设备上登录", DeviceHint: "有程序请求以您的身份操作。仅当登录由您本人发起、且代码与程序显示的一致时才批准。",
	Code: "代码", CodeHint: "程序显示的代码", Token: "您的令牌", TokenHint: "仅用于确认身份，不会保存。", Approve: "批准", Deny: "拒绝",
	Scopes: "它将可以", Label: "它自称", NoLogin: "没有等待此代码的登录。代码十分钟内有效，请重新开始。", BadToken: "令牌无效或已过期。",
	WeakToken: "该令牌无权执行此登录所请求的操作。", Approved: "已批准。请返回程序。", Denied: "已拒绝。程序不会获得令牌。", Continue: "继续",
	SetUp: "使用此仓库", Details: "详情",
}
