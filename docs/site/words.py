"""Words of the pages that are made from the code, in both languages."""

WORDS = {
    "en": {
        "commands": "Commands", "usage": "Usage", "options": "Options", "example": "Example",
        "option": "option", "meaning": "meaning", "variable": "environment variable",
        "default": "default", "required": "required", "exit": "Exit codes", "code": "code",
        "when": "when", "columns": "Data dictionary", "column": "column", "type": "type",
        "unit": "unit", "in": "in", "findings": "Findings", "finding": "finding",
        "texts": "what it says", "cause": "cause and cure", "rules": "The rules file",
        "key": "key", "errors": "Errors", "text": "text", "may_be": "may be",
        "commands_says": "every command with its options",
        "columns_says": "every layer, table and column that is written: type, unit, meaning",
        "findings_says": "every kind of finding, what causes it and what to do",
        "rules_says": "every setting, with its default and its bounds",
        "errors_says": "exit codes, and every message that stops a command",
        "commands_intro": "By the way that a planner walks. The same is told by "
        "`gridcell COMMAND --help`.",
        "columns_intro": "Types: *text* (codes are text, always), *integer*, *number*, *boolean*, "
        "*date* (text as ISO 8601 has it). `plan.gpkg` also holds `layer_styles`, the table in "
        "which QGIS keeps styles. Every export explains its columns in `fields.csv` or the sheet "
        "`fields`.",
        "findings_intro": "What a check or a step finds is a finding: of an *error* a promise is "
        "broken, and the exit code is 4; a *warning* should be looked at; a *note* tells what was "
        "done. Findings are in the layer `findings` of `plan.gpkg`, and counted by kind in "
        "`report.json`.",
        "rules_intro": "Given with `--rules rules.toml`; `gridcell init FILES… -o rules.toml` "
        "drafts it. Tables of TOML are sections: `[boundaries]`, then `heal_width = 2.0`.",
        "errors_intro": "An error stops a command before anything is written, and says which "
        "record, what was found, what was expected, what to do. Exit codes tell scripts how a "
        "command ended.",
        "messages": "Messages", "class": "exception in Python",
        "bound": "{sign} {value}", "one_of": "one of", "top": "At the top",
    },
    "zh": {
        "commands": "命令", "usage": "用法", "options": "选项", "example": "示例",
        "option": "选项", "meaning": "含义", "variable": "环境变量", "default": "默认值",
        "required": "必填", "exit": "退出码", "code": "退出码", "when": "含义",
        "columns": "数据字典", "column": "列", "type": "类型", "unit": "单位", "in": "所在",
        "findings": "检查结果", "finding": "类别", "texts": "说明文字", "cause": "原因与处理",
        "rules": "规则文件", "key": "键", "errors": "错误", "text": "文字", "may_be": "取值",
        "commands_says": "每个命令及其全部选项", "columns_says": "全部图层、表、列的类型、单位、含义",
        "findings_says": "每类检查结果的原因与处理", "rules_says": "每项设置的默认值与取值范围",
        "errors_says": "退出码，以及使命令停止的每条信息",
        "commands_intro": "按规划人员的工作顺序排列。`gridcell 命令 --help` 的内容与此相同。",
        "columns_intro": "类型：text 文本（编码一律为文本）、integer 整数、number 小数、boolean 布尔、"
        "date 日期（ISO 8601 文本）。`plan.gpkg` 另有 `layer_styles` 表，供 QGIS 存放样式。"
        "各种导出的字段说明见 `fields.csv` 或 `fields` 工作表。",
        "findings_intro": "检查或处理中发现的问题记为检查结果：error 错误表示承诺未能兑现，退出码为 4；"
        "warning 警告应予查看；note 提示说明做了什么。检查结果在 `plan.gpkg` 的 `findings` 图层中，"
        "`report.json` 按类别计数。",
        "rules_intro": "用 `--rules rules.toml` 给出；`gridcell init 文件… -o rules.toml` 生成草稿。"
        "TOML 的表即各节：`[boundaries]`，其下写 `heal_width = 2.0`。",
        "errors_intro": "错误使命令在写出任何内容之前停止，并说明是哪条记录、发现了什么、应是什么、如何处理。"
        "脚本可由退出码得知命令如何结束。",
        "messages": "信息", "class": "Python 异常",
        "bound": "{sign} {value}", "one_of": "可选", "top": "顶层",
    },
}  # fmt: skip

EXIT_CODES = {
    0: ("done, and every proof holds", "完成，全部验证通过"),
    1: ("a bug, or a worker process that was lost", "程序错误，或工作进程丢失"),
    2: ("the command was used wrongly: an unknown option, a missing argument",
        "命令用法有误：未知选项、缺少参数"),
    3: ("bad input: a file cannot be used, settings contradict each other, an output is in the way",
        "输入有误：文件不能使用、设置互相矛盾、输出位置已有文件"),
    4: ("a proof or a check failed: an error is among the findings",
        "验证或检查未通过：检查结果中有错误"),
    5: ("the rules cannot be met by the land; the message names the nearest that can",
        "土地条件无法满足规则；信息给出可行的最近值"),
    130: ("interrupted", "被中断"),
}  # fmt: skip
