package io.github.kpconvx.report;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.w3c.dom.NodeList;

/** Reads numbers back from a picture, by what is drawn, whoever drew it. */
final class SvgPicture {
  private static final Pattern NUMBER = Pattern.compile("-?[0-9.]+(?:e-?\\d+)?");
  private static final Pattern STEP = Pattern.compile("(?=[MLCz])");
  private static final Pattern FILL = Pattern.compile("(?:^|[ ;])fill: *(#[0-9a-f]{6})");

  private final Map<String, Element> byId = new HashMap<>();

  private SvgPicture() {}

  static SvgPicture read(Path file) throws Exception {
    DocumentBuilderFactory factory = DocumentBuilderFactory.newDefaultInstance();
    // A picture is read without the document type that it names on another machine.
    factory.setFeature("http://apache.org/xml/features/nonvalidating/load-external-dtd", false);
    SvgPicture picture = new SvgPicture();
    picture.collect(factory.newDocumentBuilder().parse(file.toFile()).getDocumentElement());
    return picture;
  }

  private void collect(Element element) {
    if (element.hasAttribute("id")) {
      Element other = byId.put(element.getAttribute("id"), element);
      if (other != null) {
        throw new AssertionError("two elements are named " + element.getAttribute("id"));
      }
    }
    children(element).forEach(this::collect);
  }

  private static List<Element> children(Element element) {
    List<Element> children = new ArrayList<>();
    NodeList nodes = element.getChildNodes();
    for (int i = 0; i < nodes.getLength(); i++) {
      if (nodes.item(i).getNodeType() == Node.ELEMENT_NODE) {
        children.add((Element) nodes.item(i));
      }
    }
    return children;
  }

  boolean has(String id) {
    return byId.containsKey(id);
  }

  /** The text of an element. */
  String text(String id) {
    return get(id).getTextContent().strip();
  }

  private Element get(String id) {
    Element element = byId.get(id);
    if (element == null) {
      throw new AssertionError("there is no " + id);
    }
    return element;
  }

  /** What a shape covers. */
  record Box(double left, double top, double right, double bottom) {
    double x() {
      return (left + right) / 2;
    }

    double y() {
      return (top + bottom) / 2;
    }
  }

  /** A shape with its colour. */
  record Mark(Box box, String fill) {}

  /** The shapes in a group. */
  List<Mark> marks(String id) {
    return children(get(id)).stream().map(shape -> new Mark(box(shape), fill(shape))).toList();
  }

  Box box(String id) {
    return box(get(id));
  }

  /** A shape's colour, its own or inherited. */
  private static String fill(Element shape) {
    Matcher style = FILL.matcher(shape.getAttribute("style"));
    if (style.find()) {
      return style.group(1);
    }
    return shape.hasAttribute("fill") || !(shape.getParentNode() instanceof Element parent)
        ? shape.getAttribute("fill")
        : fill(parent);
  }

  private static Box box(Element shape) {
    return switch (shape.getLocalName() == null ? shape.getTagName() : shape.getLocalName()) {
      case "rect" -> {
        double x = number(shape, "x");
        double y = number(shape, "y");
        yield new Box(x, y, x + number(shape, "width"), y + number(shape, "height"));
      }
      case "circle" -> {
        double r = number(shape, "r");
        double x = number(shape, "cx");
        double y = number(shape, "cy");
        yield new Box(x - r, y - r, x + r, y + r);
      }
      case "line" -> point(number(shape, "x1"), number(shape, "y1"));
      case "use" -> point(number(shape, "x"), number(shape, "y"));
      case "path" -> path(shape.getAttribute("d"));
      // Matplotlib wraps what it draws.
      case "g" -> box(last(children(shape)));
      default -> throw new AssertionError("cannot read a " + shape.getTagName());
    };
  }

  private static Element last(List<Element> elements) {
    return elements.get(elements.size() - 1);
  }

  private static Box point(double x, double y) {
    return new Box(x, y, x, y);
  }

  private static double number(Element element, String attribute) {
    return Double.parseDouble(element.getAttribute(attribute));
  }

  /** The box of the points that a path goes through; control points are left out. */
  private static Box path(String data) {
    double left = Double.POSITIVE_INFINITY;
    double top = Double.POSITIVE_INFINITY;
    double right = Double.NEGATIVE_INFINITY;
    double bottom = Double.NEGATIVE_INFINITY;
    for (String step : STEP.split(data, -1)) {
      List<Double> numbers =
          NUMBER.matcher(step).results().map(m -> Double.valueOf(m.group())).toList();
      if (!numbers.isEmpty()) {
        double x = numbers.get(numbers.size() - 2);
        double y = numbers.get(numbers.size() - 1);
        left = Math.min(left, x);
        right = Math.max(right, x);
        top = Math.min(top, y);
        bottom = Math.max(bottom, y);
      }
    }
    return new Box(left, top, right, bottom);
  }

  /** A mark of an axis: where it is and what it says. */
  record Tick(Box place, String label) {
    double value() {
      return Double.parseDouble(label.replace('\u2212', '-'));
    }
  }

  /** The marks of an axis, such as {@code block-0-xtick}. */
  List<Tick> ticks(String axis) {
    List<Tick> ticks = new ArrayList<>();
    while (has(axis + "-" + ticks.size())) {
      String id = axis + "-" + ticks.size();
      ticks.add(new Tick(box(id), text(id + "-label")));
    }
    return ticks;
  }

  List<String> labels(String axis) {
    return ticks(axis).stream().map(Tick::label).toList();
  }

  /** What a place on a horizontal axis stands for. */
  double xValue(String axis, double x) {
    List<Tick> ticks = ticks(axis);
    Tick first = ticks.get(0);
    Tick last = ticks.get(ticks.size() - 1);
    double share = (x - first.place().x()) / (last.place().x() - first.place().x());
    return first.value() + share * (last.value() - first.value());
  }

  /** What a place on a vertical axis stands for. */
  double yValue(String axis, double y) {
    List<Tick> ticks = ticks(axis);
    Tick first = ticks.get(0);
    Tick last = ticks.get(ticks.size() - 1);
    double share = (y - first.place().y()) / (last.place().y() - first.place().y());
    return first.value() + share * (last.value() - first.value());
  }
}
