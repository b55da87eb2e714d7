# frozen_string_literal: true

require "cgi/escape"
require "fileutils"
require "tmpdir"
require "uri"

# The documentation as a site: the pages of doc/ and of the examples, and the API, made by YARD. No network, no server.
module Site
  ROOT = File.expand_path("..", __dir__)
  # Where a link may go to, and whether it is what is linked to or where an image comes from.
  LINKS = /(?<![\w-])(href|src|srcset)="([^"]*)"/
  # Links of Markdown, and those of HTML within it.
  SOURCES = /(?<=\]\()(?<to>[^)\s]+)(?=\))|(?<=href="|src="|srcset=")(?<to>[^"]+)(?=")/

  module_function

  # @param folder [String] made anew
  # @return [void]
  # @raise [RuntimeError] when YARD can't
  def build(folder)
    require "yard"
    require "redcarpet"

    FileUtils.rm_rf(folder)
    # Within, for YARD takes no file from elsewhere.
    FileUtils.mkdir_p(File.join(ROOT, "tmp"))
    Dir.mktmpdir("site", File.join(ROOT, "tmp")) do |staged|
      pages.each { |path, name| File.write(File.join(staged, "#{name}.md"), linked(path)) }
      document(staged, folder)
    end
    Dir.glob(File.join(folder, "**/*.html")) { |page| name_headings(page) }
    FileUtils.cp_r(File.join(ROOT, "doc/charts"), File.join(folder, "charts"))
    copy_sources(folder)
  end

  # @param folder [String] what was built
  # @return [Array<String>] links within it that go nowhere, each with its page
  def broken(folder)
    Dir.glob("**/*.html", base: folder).flat_map do |page|
      dead = links(File.read(File.join(folder, page))).reject { |link| there?(folder, page, link) }
      dead.map { |link| "#{page}: #{link}" }
    end
  end

  # What each Markdown file is called there.
  #
  # @return [Hash{String => String}]
  def pages
    named = { "README.md" => "index", "CHANGELOG.md" => "changelog", "bench/README.md" => "bench",
              "examples/hosts.md" => "example-hosts" }
    Dir.chdir(ROOT) do
      Dir.glob("doc/*.md").sort.each { |path| named[path] = File.basename(path, ".md") }
      Dir.glob("examples/*/README.md").sort.each { |path| named[path] = "example-#{path.split("/")[1]}" }
    end
    named
  end

  def document(staged, folder)
    all = pages.values.map { |name| File.join(staged.delete_prefix("#{ROOT}/"), "#{name}.md") }
    options = %w[--quiet --no-progress --no-save --no-cache --no-private --hide-api private --title Kino
                 --markup markdown --markup-provider redcarpet]
    Dir.chdir(ROOT) do
      made = YARD::CLI::Yardoc.run(*options, "--readme", all.shift, "--output-dir", folder, "lib/**/*.rb", "-", *all)
      raise "YARD has not made it" unless made
    end
  end

  # The page's text, with links to where things are on the site.
  def linked(path)
    File.read(File.join(ROOT, path)).gsub(SOURCES) { site_link(path, Regexp.last_match[:to]) }
  end

  def site_link(from, link)
    return link if link.match?(/\A(?:\w+:|#)/)

    target, anchor = link.split("#", 2)
    path = File.expand_path(target, File.join("/", File.dirname(from))).delete_prefix("/")
    return path.delete_prefix("doc/") if path.start_with?("doc/charts/")

    name = pages[path] || pages[File.join(path, "README.md")]
    return "#{name == "index" ? "index" : "file.#{name}"}.html#{"##{anchor}" if anchor}" if name

    # What is no page is shown as it is, and a folder as a list of what is in it.
    "source/#{path}#{"/index.html" if File.directory?(File.join(ROOT, path))}"
  end

  # What pages link to that is none.
  def copy_sources(folder)
    pages = Dir.glob(File.join(folder, "*.html")).map { |page| File.read(page) }
    pages.join.scan(%r{"source/([^"#]+)"}).flatten.uniq.each do |path|
      to = File.join(folder, "source", path)
      FileUtils.mkdir_p(File.dirname(to))
      path.end_with?("/index.html") ? list(File.dirname(path), to) : FileUtils.cp(File.join(ROOT, path), to)
    end
  end

  def list(path, to)
    files = Dir.children(File.join(ROOT, path)).sort.select { |name| File.file?(File.join(ROOT, path, name)) }
    files.each { |name| FileUtils.cp(File.join(ROOT, path, name), File.dirname(to)) }
    items = files.map { |name| %(<li><a href="#{CGI.escapeHTML(name)}">#{CGI.escapeHTML(name)}</a></li>) }
    title = CGI.escapeHTML(path)
    File.write(to, "<!doctype html><title>#{title}</title><h1>#{title}</h1><ul>#{items.join}</ul>")
  end

  # As GitHub names them, for whoever has linked to them there.
  def name_headings(page)
    text = File.read(page)
    named = text.gsub(%r{<h([1-6]) id="[^"]*">(.*?)</h\1>}m) do
      level, title = Regexp.last_match.captures
      slug = CGI.unescapeHTML(title.gsub(/<[^>]*>/, "")).downcase.gsub(/[^\p{Word}\- ]/, "").tr(" ", "-")
      %(<h#{level} id="#{slug}">#{title}</h#{level}>)
    end
    File.write(page, named)
  end

  def links(html) = html.scan(LINKS).map { |_, link| CGI.unescapeHTML(link) }.grep_v(/\A\w+:|\A\z/)

  def there?(folder, page, link)
    path, anchor = link.sub(/\?[^#]*/, "").split("#", 2)
    target = path.to_s.empty? ? page : File.join(File.dirname(page), URI.decode_uri_component(path))
    full = File.expand_path(target, folder)
    return false unless File.file?(full)
    return true if anchor.nil? || anchor.empty? || !full.end_with?(".html")

    named = URI.decode_uri_component(anchor)
    File.read(full).match?(/(?:id|name)="#{Regexp.union(named, CGI.escapeHTML(named))}"/)
  end

  private_class_method :document, :linked, :site_link, :copy_sources, :list, :name_headings, :links, :there?
end
